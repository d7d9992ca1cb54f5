// Which tasks of a run have ended since the last look, each end once. A look reads only the newest ends where that explains
// how many there are; where it does not, and at the last look, it reads all of them.

import { Date } from "../../base/globals.ts";
import { toIso } from "../../base/iso-time.ts";
import type { RunId, TaskId } from "../../protocol/ids.ts";
import type { Reader, Row } from "./reader.ts";
import { storedTaskId } from "./stored-values.ts";

/**
 * Which ends of tasks are events: those of all tasks, or the failures and the ends of tasks that were seen running. In a large
 * run all of them cost a look at every row.
 */
export type Told = "all" | "failures";

type TaskEnd = { readonly id: TaskId; readonly at: string };

/** Ends that are told at one look; the others follow at the next. */
const maxEnds: Readonly<Record<Told, number>> = { failures: 1_000, all: 5_000 };

const endedOf: Readonly<Record<Told, string>> = {
  failures: "status = 'error' AND finished_at IS NOT NULL",
  all: "status IN ('done', 'error', 'cancelled', 'skipped') AND finished_at IS NOT NULL",
};

/** Units are committed about in the order in which their tasks end. Those that differ by more cost a look at all ends. */
const outOfOrderMs = 2_000;
const pageSize = 10_000;

export class TaskEnds {
  readonly #reader: Reader;
  readonly #run: RunId;
  readonly #most: number;
  readonly #endedSql: string;
  /** Task → the time of the end that was told, epoch ms. A number: there may be a million. */
  readonly #told = new Map<TaskId, number>();
  /** The told ends since `#since`. */
  readonly #recent = new Map<TaskId, string>();
  #since = "";
  /** Ends that the counts have and no look finds: without a time, or of a row that a user has edited. */
  #unseen = 0;
  /** The last task whose end is read, while a look at all ends is under way. */
  #readUpTo: number | undefined;
  /** The run has ended, and all ends were read since. */
  #isComplete = false;
  /** The next look finds more at once. */
  hasMore = true;

  /** Ends from before are left out. */
  constructor(reader: Reader, run: RunId, told: Told) {
    this.#reader = reader;
    this.#run = run;
    this.#most = maxEnds[told];
    this.#endedSql = endedOf[told];
    for (const end of this.#all(0)) this.#tell(end);
  }

  /** The end of the task was told otherwise. */
  add(id: TaskId, at: string): void {
    this.#tell({ id, at });
  }

  /** The task of a continued run begins once more. */
  begun(id: TaskId): void {
    this.#told.delete(id);
    this.#recent.delete(id);
  }

  /**
   * To be called in a snapshot.
   * @param count how many tasks have ended, of those that are told
   * @param isLast the run has ended
   */
  next(count: number, isLast: boolean): readonly TaskEnd[] {
    this.hasMore = false;
    const found: TaskEnd[] = [];
    if (this.#readUpTo === undefined && !this.#isExplained(count)) this.#readNewest(found);
    if (this.#readUpTo !== undefined || !this.#isExplained(count) || (isLast && !this.#isComplete))
      this.#readAll(found, count, isLast);
    for (const [id, at] of this.#recent) if (at < this.#since) this.#recent.delete(id);
    return found;
  }

  #isExplained(count: number): boolean {
    return count === this.#told.size + this.#unseen;
  }

  #readNewest(found: TaskEnd[]): void {
    const rows = this.#reader.query(
      `SELECT id, finished_at FROM task_runs
        WHERE run_id = ?1 AND ${this.#endedSql} AND finished_at >= ?2 ORDER BY finished_at LIMIT ?3`,
      [this.#run, this.#since, this.#recent.size + this.#most],
    );
    for (const row of rows) {
      const end = this.#endOf(row);
      if (this.#isTold(end)) continue;
      this.#tell(end);
      found.push(end);
    }
  }

  #readAll(found: TaskEnd[], count: number, isLast: boolean): void {
    for (const end of this.#all(this.#readUpTo ?? 0)) {
      if (this.#isTold(end)) continue;
      if (found.length >= this.#most) {
        this.hasMore = true;
        return;
      }
      this.#tell(end);
      found.push(end);
      this.#readUpTo = end.id;
    }
    this.#readUpTo = undefined;
    this.#unseen = count - this.#told.size;
    this.#isComplete = isLast;
  }

  /** In the order of the ids. */
  *#all(after: number): Generator<TaskEnd> {
    for (let last = after; ;) {
      const rows = this.#reader.query(
        `SELECT id, finished_at FROM task_runs
          WHERE run_id = ?1 AND id > ?2 AND ${this.#endedSql} ORDER BY id LIMIT ?3`,
        [this.#run, last, pageSize],
      );
      for (const row of rows) {
        const end = this.#endOf(row);
        last = end.id;
        yield end;
      }
      if (rows.length < pageSize) return;
    }
  }

  #endOf(row: Row): TaskEnd {
    return { id: storedTaskId(row["id"], this.#reader), at: String(row["finished_at"]) };
  }

  #isTold({ id, at }: TaskEnd): boolean {
    return this.#told.get(id) === timeOf(at);
  }

  #tell({ id, at }: TaskEnd): void {
    this.#told.set(id, timeOf(at));
    const since = before(at);
    if (since > this.#since) this.#since = since;
    if (at >= this.#since) this.#recent.set(id, at);
  }
}

/** 0 for what is no time: users can edit the table. */
const timeOf = (at: string): number => Date.parse(at) || 0;

/** "" for what is no time. */
function before(at: string): string {
  const ms = timeOf(at);
  return ms === 0 ? "" : toIso(ms - outOfOrderMs);
}
