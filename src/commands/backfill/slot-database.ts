// What the database says of slots, while their runs write to it. It need not exist before the first run.

import { existsSync } from "node:fs";

import { isRunAlive } from "../../store/liveness.ts";
import { openReader, type Reader } from "../../store/read/reader.ts";
import { ReaderError } from "../../store/read/reader-error.ts";
import {
  type SlotProgress,
  slotProgress,
  type SlotRun,
  slotRuns,
  whyFailed,
} from "../../store/read/slot-runs.ts";
import { waitingReader } from "../waiting-reader.ts";

export class SlotDatabase {
  readonly path: string;
  readonly #pipeline: string;

  /** @param pipeline as the database has it: masked */
  constructor(path: string, pipeline: string) {
    this.path = path;
    this.#pipeline = pipeline;
  }

  /**
   * By slot, ISO 8601 UTC. Waits for locks.
   * @throws ReaderError for what is no database of pipeloom's
   */
  runs(first: number, last: number): ReadonlyMap<string, SlotRun> {
    if (!existsSync(this.path)) return new Map();
    try {
      using reader = waitingReader(this.path);
      return this.#runs(reader, first, last);
    } catch (thrown) {
      // Another program's tables may be in the file already.
      if (thrown instanceof ReaderError && thrown.code === "no-tables") return new Map();
      throw thrown;
    }
  }

  /** Null: it has no run. Undefined: that cannot be read just now. */
  runOf(slot: number): SlotRun | null | undefined {
    return this.#briefly((reader) => [...this.#runs(reader, slot, slot).values()][0] ?? null);
  }

  progressOf(slot: number): SlotProgress | undefined {
    return this.#briefly((reader) => slotProgress(reader, this.#pipeline, slot));
  }

  whyFailed({ run }: SlotRun): string | undefined {
    return this.#briefly((reader) => whyFailed(reader, run));
  }

  #runs(reader: Reader, first: number, last: number): ReadonlyMap<string, SlotRun> {
    return slotRuns(reader, this.#pipeline, { first, last }, (run) => isRunAlive(this.path, run));
  }

  /** The file is opened for each look: an open connection would keep its `-wal` from being removed at the end of each run. */
  #briefly<Result>(read: (reader: Reader) => Result): Result | undefined {
    try {
      using reader = openReader(this.path);
      return read(reader);
    } catch (thrown) {
      if (thrown instanceof ReaderError) return undefined;
      throw thrown;
    }
  }
}
