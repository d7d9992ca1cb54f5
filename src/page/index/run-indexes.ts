// The indexes of the runs that were looked at last.

import { type RunId, runId } from "../../protocol/ids.ts";
import type { Reader } from "../../store/read/reader.ts";
import { NotFound } from "../asked.ts";
import { RunIndex } from "./run-index.ts";

/** Of all runs together: 8 million tasks, 350 MB. */
const maxChunks = 512;
/** A person waits so long for all that is asked for; then it is shown as far as it is known. */
const waitMs = 300;

export class RunIndexes implements Disposable {
  readonly #reader: Reader;
  /** The one that was asked for last is the last one. */
  readonly #byRun = new Map<number, RunIndex>();

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /**
   * The run's tasks as the file has them, or as far as they are read.
   * @throws NotFound, ReaderError
   */
  async of(id: number): Promise<RunIndex> {
    const run = runId(id);
    if (this.#reader.query("SELECT 1 FROM pipeline_runs WHERE id = ?", [run]).length === 0) {
      this.#drop(run);
      throw new NotFound(`the database has no run ${id}`);
    }
    const index = this.#byRun.get(run) ?? new RunIndex(this.#reader, run, maxChunks);
    this.#byRun.delete(run);
    this.#byRun.set(run, index);
    await index.look(waitMs);
    this.#makeRoom(run);
    return index;
  }

  [Symbol.dispose](): void {
    for (const run of this.#byRun.keys()) this.#drop(run);
  }

  #makeRoom(kept: RunId): void {
    let chunks = 0;
    for (const index of this.#byRun.values()) chunks += index.columns.chunks.length;
    for (const [run, index] of this.#byRun) {
      if (chunks <= maxChunks || run === kept) return;
      chunks -= index.columns.chunks.length;
      this.#drop(run);
    }
  }

  #drop(run: number): void {
    this.#byRun.get(run)?.close();
    this.#byRun.delete(run);
  }
}
