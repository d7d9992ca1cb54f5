// That a database has changed, and which of its runs. One look at the file serves all browsers, and there is none while nobody listens.

import { systemClock, type Timer } from "../base/clock.ts";
import { type KnownRuns, runsToWatch } from "./data/runs-view.ts";
import { EventStream } from "./event-stream.ts";
import type { Reader } from "../store/read/reader.ts";
import type { PageDatabase } from "./page-database.ts";

/** Four times a second. */
const lookEveryMs = 250;
/** After a look, its time is rested so many times: a file with 100,000 runs is looked at less often. */
const restFactor = 20;
/** A look that has waited for a lock says little of the next one. */
const maxRestMs = 2_000;
/** Without a commit, a run may have died: its lock says so. */
const livenessEveryMs = 1_000;

export class Feed implements Disposable {
  readonly #database: PageDatabase;
  readonly #stream = new EventStream((isHeard) => this.#hear(isHeard));
  readonly #known: KnownRuns = new Map();
  #reader: Reader | undefined;
  #timer: Timer | undefined;
  #version = -1;
  #lookedAt = 0;
  #restsUntil = 0;

  constructor(database: PageDatabase) {
    this.#database = database;
  }

  /** @throws ReaderError where the database cannot be read */
  open(signal: AbortSignal): Response {
    runsToWatch(this.#database, new Map());
    this.#follow(this.#database.reader);
    return this.#stream.open(signal);
  }

  [Symbol.dispose](): void {
    this.#stream.end();
  }

  #hear(isHeard: boolean): void {
    systemClock.cancel(this.#timer);
    this.#timer = isHeard ? systemClock.every(lookEveryMs, () => this.#look()) : undefined;
  }

  /** Of another file than before, all that a browser has is old: it has to come again, and asks for everything. */
  #follow(reader: Reader): void {
    if (reader === this.#reader) return;
    this.#stream.end();
    this.#known.clear();
    this.#version = -1;
    this.#reader = reader;
  }

  #look(): void {
    const now = systemClock.now();
    if (now < this.#restsUntil) return;
    try {
      if (!this.#tellsChange(now)) this.#stream.beat();
      const tookMs = systemClock.now() - now;
      this.#restsUntil = now + tookMs + Math.min(tookMs * restFactor, maxRestMs);
    } catch {
      // A browser asks why, and tries again: until then, its page says that what it shows is old.
      this.#stream.end();
    }
  }

  /** A commit that changes no run's counts is one too: it has lines of a log, progress of a task, or rows, and runs may be gone. */
  #tellsChange(now: number): boolean {
    const { reader } = this.#database;
    if (reader !== this.#reader) {
      this.#stream.end();
      return true;
    }
    const version = reader.version();
    const isCommit = version !== this.#version;
    if (!isCommit && now - this.#lookedAt < livenessEveryMs) return false;
    this.#version = version;
    this.#lookedAt = now;
    const runs = runsToWatch(this.#database, this.#known);
    const isNew = isCommit || runs.length > 0;
    if (isNew) this.#stream.say({ at: systemClock.wall(), runs });
    return isNew;
  }
}
