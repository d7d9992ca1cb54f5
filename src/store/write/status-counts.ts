// How many tasks of a run have each status in the file, so that readers need not count a million rows.
//
// Each commit of a large run stores them, and the end of any run. A few rows are counted faster than every commit could store
// their counts: with one task a commit, that was every second page of the write-ahead log.

import type { Database } from "bun:sqlite";

import { JSON } from "../../base/globals.ts";
import type { RunId, TaskId } from "../../protocol/ids.ts";
import { isTaskStatus, type TaskStatus } from "../../protocol/status.ts";
import { ofRun } from "../own-tables.ts";

type Counts = Record<TaskStatus, number>;

/** Up to this many tasks, readers of a run that has not ended count the rows: at most about 5 ms. */
export const maxCountedByReaders = 20_000;

export class StatusCounts {
  readonly #counts: Counts = { queued: 0, running: 0, done: 0, error: 0, cancelled: 0, skipped: 0 };
  /** Tasks whose row may change once more, and the status in it. Rows of short tasks are written once. */
  readonly #open = new Map<TaskId, TaskStatus>();
  /** Changes of the transaction. */
  #done = 0;
  #closed: TaskId[] = [];
  /** As of the last commit, where a `flush` that is not committed has changed it. */
  #countsBefore: Counts | undefined;
  readonly #openBefore = new Map<TaskId, TaskStatus | undefined>();

  /** Undefined where no task that is done begins again but those of `#open`. */
  readonly #endedBefore: ((id: TaskId) => TaskStatus | undefined) | undefined;

  /**
   * @param db with the run's rows of earlier sessions, if there are any
   * @param endedBefore what the row says of a task that an earlier session has ended. In a run that passes a rerun on to what
   *   depends on it, done tasks begin again that no mark tells of beforehand
   */
  constructor(
    db: Database,
    run: RunId,
    endedBefore: ((id: TaskId) => TaskStatus | undefined) | undefined,
  ) {
    this.#endedBefore = endedBefore;
    // A status that is none is refused before the first flush; see `History.restoredPages`.
    using all = db.prepare<{ status: string; count: number }, [number]>(
      `SELECT status, COUNT(*) AS count FROM task_runs WHERE ${ofRun("?1")} GROUP BY status`,
    );
    for (const { status, count } of all.iterate(run)) {
      if (isTaskStatus(status)) this.#counts[status] = count;
    }
    // Done tasks with a fingerprint are to run again.
    using open = db.prepare<{ id: TaskId; status: string }, [number]>(
      `SELECT id, status FROM task_runs WHERE ${ofRun("?1")} AND (status <> 'done' OR fingerprint IS NOT NULL)`,
    );
    for (const { id, status } of open.iterate(run)) {
      if (isTaskStatus(status)) this.#open.set(id, status);
    }
  }

  get isEmpty(): boolean {
    return this.#done === 0;
  }

  /** Of the tasks that have a row, with the changes that were flushed. */
  get total(): number {
    const { queued, running, done, error, cancelled, skipped } = this.#counts;
    return queued + running + done + error + cancelled + skipped;
  }

  /** JSON, with the changes that were flushed. */
  get text(): string {
    return JSON.stringify(this.#counts);
  }

  /** The hot path. */
  done(id: TaskId): void {
    this.#done++;
    // Asked now: before the commit, the row may be written.
    if (this.#endedBefore !== undefined) this.#reopen(id);
    if (this.#open.size > 0 && this.#open.has(id)) this.#closed.push(id);
  }

  /**
   * Adds the changes of a transaction. They count until `discard`, or for good after `committed`.
   * @param replaced called for each task that an earlier session has ended, and that has begun again: before its row changes
   */
  flush(
    rows: Iterable<{ readonly id: TaskId; readonly status: TaskStatus }>,
    replaced: (id: TaskId) => void,
  ): void {
    this.committed();
    this.#countsBefore = { ...this.#counts };
    for (const { id, status } of rows) {
      if (this.#endedBefore !== undefined) this.#reopen(id);
      this.#leave(id, replaced);
      this.#counts[status]++;
      // A task that has ended may run again in a later session of this run, but not in this one.
      if (status === "queued" || status === "running") this.#open.set(id, status);
    }
    for (const id of this.#closed) this.#leave(id, replaced);
    this.#counts.done += this.#done;
    this.#clear();
  }

  /** Rows that were done, of tasks that the plan does not have any more. After `flush`, with which they count. */
  left(rows: number): void {
    this.#counts.done -= rows;
    this.#counts.skipped += rows;
  }

  #reopen(id: TaskId): void {
    if (this.#open.has(id)) return;
    const status = this.#endedBefore?.(id);
    if (status !== "done" && status !== "error") return;
    this.#open.set(id, status);
  }

  #leave(id: TaskId, replaced: (id: TaskId) => void): void {
    const before = this.#open.get(id);
    if (!this.#openBefore.has(id)) this.#openBefore.set(id, before);
    if (before === undefined) return;
    if (before === "done" || before === "error") replaced(id);
    this.#counts[before]--;
    this.#open.delete(id);
  }

  committed(): void {
    this.#countsBefore = undefined;
    this.#openBefore.clear();
  }

  /** Drops the changes since the last commit, those of a `flush` that was rolled back included. */
  discard(): void {
    this.#clear();
    Object.assign(this.#counts, this.#countsBefore);
    for (const [id, before] of this.#openBefore) {
      if (before === undefined) this.#open.delete(id);
      else this.#open.set(id, before);
    }
    this.committed();
  }

  #clear(): void {
    this.#done = 0;
    this.#closed = [];
  }
}
