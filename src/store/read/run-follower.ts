// Follows a run of another process by reading its file: gives the events that a screen needs. Tasks that start and end
// between two looks are only counted.

import { Date } from "../../base/globals.ts";
import type { RunEvent } from "../../protocol/events.ts";
import { type RunId, taskId, type TaskId } from "../../protocol/ids.ts";
import type { FinalStatus, TaskStatus } from "../../protocol/status.ts";
import { ofRunWith } from "../own-tables.ts";
import { LogFollower } from "./log-follower.ts";
import { runRows } from "./overview.ts";
import { machineColumn } from "./machine-names.ts";
import type { Reader, Row } from "./reader.ts";
import { itemColumns, storedItem } from "./stored-item.ts";
import { failure, number, storedTaskId, storedTaskStatus, text } from "./stored-values.ts";
import { countByRun, type Counts, noTasks } from "./task-counts.ts";
import { TaskEnds, type Told } from "./task-ends.ts";
import type { LogRow } from "./task-logs.ts";

type Followed = {
  readonly events: readonly RunEvent[];
  /** Of the whole run. */
  readonly counts: Counts;
  /** Tasks that no longer run and have not ended: they wait for their next attempt. */
  readonly left: readonly TaskId[];
  /** There are more log lines: the next look finds them at once. */
  readonly hasMore: boolean;
};

/** Tasks that are shown at once; the others are counted. */
const maxRunning = 1_000;
const endedSql = (reader: Reader): string =>
  `SELECT name, attempt, status, started_at, finished_at, error, ${itemColumns(reader)}, ${machineColumn(reader, "task_runs")}
    FROM task_runs WHERE run_id = ? AND id = ? AND status <> 'running'`;

type Shown = { readonly attempt: number; progress: number; message: string | null };

export class RunFollower {
  readonly #reader: Reader;
  readonly #run: RunId;
  readonly #logs: LogFollower;
  readonly #shown = new Map<TaskId, Shown>();
  readonly #told: Told;
  readonly #taskEnds: TaskEnds;
  #totalTold: number | undefined;
  #version = -1;

  /** Logs and ends from before are left out. */
  constructor(reader: Reader, run: RunId, told: Told = "failures") {
    this.#reader = reader;
    this.#run = run;
    this.#told = told;
    this.#logs = new LogFollower(reader, {
      run,
      tasks: { type: "all" },
      level: "debug",
      matches: () => true,
    });
    this.#taskEnds = new TaskEnds(reader, run, told);
  }

  /**
   * What has been committed since the last look. Undefined where nothing has.
   * @param isLast the run has ended: what earlier looks have missed is among the events
   */
  next(isLast = false): Followed | undefined {
    const version = this.#reader.version();
    if (version === this.#version && !isLast) return undefined;
    this.#version = version;
    return this.#reader.snapshot(() => {
      const counts = countByRun(this.#reader, [this.#run], new Set()).get(this.#run) ?? noTasks;
      const left: TaskId[] = [];
      const { lines, hasMore } = this.#logs.next();
      if (hasMore) this.#version = -1;
      const events = [
        ...this.#total(),
        ...this.#started(),
        ...lines.map(logged),
        ...this.#ends(this.#told === "all" ? endedIn(counts) : counts.error, isLast),
        ...this.#ended(left),
      ];
      return { events, counts, left, hasMore: hasMore || this.#taskEnds.hasMore };
    });
  }

  /** Of a run that has ended, the row may have been pruned since. */
  #total(): RunEvent[] {
    const [row] = runRows(this.#reader, 1, "id = ?", this.#run);
    const total = number(row?.["tasks_total"]);
    if (total === null || total === this.#totalTold) return [];
    this.#totalTold = total;
    return [{ type: "run-total", total, complete: true }];
  }

  *#started(): Generator<RunEvent> {
    const rows = this.#reader.query(
      `SELECT id, name, attempt, started_at, progress, message, ${itemColumns(this.#reader)}, ${machineColumn(this.#reader, "task_runs")} FROM task_runs
        WHERE ${ofRunWith("?1", "running")} ORDER BY run_id, id LIMIT ?2`,
      [this.#run, maxRunning],
    );
    for (const row of rows) {
      const id = storedTaskId(row["id"], this.#reader);
      const attempt = number(row["attempt"]) ?? 1;
      const progress = number(row["progress"]) ?? 0;
      const message = text(row["message"]);
      let shown = this.#shown.get(id);
      if (shown?.attempt !== attempt) {
        shown = { attempt, progress: 0, message: null };
        this.#shown.set(id, shown);
        this.#taskEnds.begun(id);
        const at = Date.parse(String(row["started_at"]));
        const more = { ...storedItem(row), ...machineIn(row) };
        yield { type: "task-started", id, name: String(row["name"]), ...more, attempt, at };
      }
      if (shown.progress === progress && shown.message === message) continue;
      Object.assign(shown, { progress, message });
      yield message === null
        ? { type: "task-progress", id, progress }
        : { type: "task-progress", id, progress, message };
    }
  }

  *#ends(count: number, isLast: boolean): Generator<RunEvent> {
    for (const { id, at } of this.#taskEnds.next(count, isLast)) {
      this.#shown.delete(id);
      const [row] = this.#reader.query(endedSql(this.#reader), [this.#run, id]);
      const status = storedTaskStatus(row?.["status"], this.#reader);
      if (row !== undefined && isFinal(status)) yield finished(id, row, status, at);
    }
    if (this.#taskEnds.hasMore) this.#version = -1;
  }

  /** @param left gets the tasks that wait for their next attempt */
  *#ended(left: TaskId[]): Generator<RunEvent> {
    for (const id of this.#shown.keys()) {
      const [row] = this.#reader.query(endedSql(this.#reader), [this.#run, id]);
      if (row === undefined) continue;
      this.#shown.delete(id);
      const status = storedTaskStatus(row["status"], this.#reader);
      const at = text(row["finished_at"]);
      if (!isFinal(status) || at === null) left.push(id);
      else {
        // Ends beyond the bound of a look follow, and this one not again.
        if (status === "error" || this.#told === "all") this.#taskEnds.add(id, at);
        yield finished(id, row, status, at);
      }
    }
  }
}

const isFinal = (status: TaskStatus): status is FinalStatus =>
  status !== "running" && status !== "queued";

const endedIn = ({ done, error, cancelled, skipped }: Counts): number =>
  done + error + cancelled + skipped;

function machineIn(row: Row): { machine?: string } {
  const machine = text(row["machine_name"]);
  return machine === null ? {} : { machine };
}

const logged = ({ id, task, label, attempt, at, level, line, machine }: LogRow): RunEvent => ({
  type: "task-log",
  id: taskId(id),
  name: task,
  label: label ?? "",
  attempt,
  at: Date.parse(at),
  level,
  line,
  ...(machine === undefined ? {} : { machine }),
});

function finished(id: TaskId, row: Row, status: FinalStatus, at: string): RunEvent {
  const why = failure(row["error"]);
  const started = text(row["started_at"]);
  return {
    type: "task-finished",
    id,
    name: String(row["name"]),
    ...storedItem(row),
    ...machineIn(row),
    attempt: number(row["attempt"]) ?? 1,
    status,
    startedAt: started === null ? null : Date.parse(started),
    at: Date.parse(at),
    ...(why === null ? {} : { failure: why }),
  };
}
