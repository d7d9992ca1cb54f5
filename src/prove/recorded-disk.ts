// The disk below a run whose writes are recorded: what is on it for certain, and what was written since.

import { existsSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { Buffer } from "../base/globals.ts";
import { cutPower, type Files, filesAfter, type Operation, readTrace } from "./power-cut.ts";
import type { ProofDatabase } from "./proof-database.ts";

/** The replay is done in memory. */
const maxBytes = 256 * 1024 * 1024;

type Ended =
  /** No records: the recorder does not work here, or the process was killed before it began. */
  | { readonly type: "unknown" }
  | { readonly type: "too-large" }
  /** The records are not what is in the files: something else writes to them. */
  | { readonly type: "unexplained" }
  | { readonly type: "explained" };

export class RecordedDisk {
  readonly #database: ProofDatabase;
  readonly trace: string;
  #certain: Files;
  /** By processes that were killed since, the last one excepted: a kill syncs nothing. */
  #written: Operation[] = [];
  /** By the last process. */
  #last: Operation[] = [];

  /** @param database as it is before the first process */
  constructor(database: ProofDatabase) {
    this.#database = database;
    this.trace = join(database.scratch, "trace");
    this.#certain = database.files();
  }

  /** Each process has a trace of its own. */
  begin(): void {
    rmSync(this.trace, { force: true });
  }

  /** To be called when the process has ended. */
  end(): Ended {
    this.#written.push(...this.#last);
    this.#last = [];
    if (!existsSync(this.trace)) return this.#forget({ type: "unknown" });
    if (statSync(this.trace).size + this.#database.bytes > maxBytes) {
      return this.#forget({ type: "too-large" });
    }
    this.#last = readTrace(this.trace);
    return this.#isExplained() ? { type: "explained" } : this.#forget({ type: "unexplained" });
  }

  /** What is in the files now counts as certain. */
  #forget(ended: Ended): Ended {
    this.#certain = this.#database.bytes > maxBytes ? new Map() : this.#database.files();
    this.#written = [];
    this.#last = [];
    return ended;
  }

  /** The last operation may have been killed before it began. */
  #isExplained(): boolean {
    const found = this.#database.files();
    return [this.#last, this.#last.slice(0, -1)].some((last) =>
      isSame(filesAfter(this.#certain, [...this.#written, ...last]), found),
    );
  }

  /**
   * Puts the files as a power cut leaves them that came during the last process, or just after it.
   * @returns the announcements that came before it
   */
  cut(random: () => number): string[] {
    const before = this.#last.slice(0, Math.floor(random() * (this.#last.length + 1)));
    const operations = [...this.#written, ...before];
    const folder = basename(dirname(this.#database.db));
    this.#certain = cutPower(this.#certain, operations, folder, random);
    this.#written = [];
    this.#last = [];
    this.#database.place(this.#certain);
    return before.flatMap((operation) => (operation.type === "note" ? [operation.text] : []));
  }
}

const nothing = new Uint8Array(0);

/** A file that was opened and not written to has no record. */
const isSame = (a: Files, b: Files): boolean =>
  [...new Set([...a.keys(), ...b.keys()])].every(
    (name) => Buffer.compare(a.get(name) ?? nothing, b.get(name) ?? nothing) === 0,
  );
