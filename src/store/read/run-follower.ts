// Follows a run of another process by reading its file: gives the events that a screen needs. Tasks that start and end
// between two looks are only counted.

import { Date } from "../../base/globals.ts";
import type { RunEvent, RunStarted } from "../../protocol/events.ts";
import { type RunId, taskId, type TaskId } from "../../protocol/ids.ts";
import type { FinalStatus } from "../../protocol/status.ts";
import { ofRun } from "../own-tables.ts";
import { runRows } from "./overview.ts";
import type { Reader, Row } from "./reader.ts";
import { failure, number, storedTaskId, storedTaskStatus, text } from "./stored-values.ts";
import { countByRun, type Counts, noTasks } from "./task-counts.ts";
import { lastLogRow, linesAfter, type LogFilter } from "./task-logs.ts";

type Followed = {
  readonly events: readonly RunEvent[];
  /** Of the whole run. */
  readonly counts: Counts;
};

/** Tasks that are shown at once; the others are counted. */
const maxRunning = 1_000;

type Shown = { readonly attempt: number; progress: number; message: string | null };

export class RunFollower {
  readonly #reader: Reader;
  readonly #run: RunId;
  readonly #logs: LogFilter;
  readonly #shown = new Map<TaskId, Shown>();
  /** Failed tasks that have been told. */
  readonly #failed = new Set<number>();
  #version = -1;
  #lastLog: number;

  /** Logs and failures from before are left out. */
  constructor(reader: Reader, run: RunId) {
    this.#reader = reader;
    this.#run = run;
    this.#logs = { run, tasks: { type: "all" }, level: "debug", matches: () => true };
    this.#lastLog = lastLogRow(reader);
    for (const { id } of this.#failures()) this.#failed.add(id);
  }

  start(): RunStarted {
    const row = this.#row();
    return {
      type: "run-started",
      run: this.#run,
      pipeline: String(row["pipeline"]),
      file: text(row["file"]),
      db: this.#reader.path,
      journal: this.#reader.isWal ? "wal" : "delete",
      workers: 0,
      concurrency: 0,
      at: Date.parse(String(row["started_at"])),
      resumed: false,
      alreadyDone: 0,
    };
  }

  /** What has been committed since the last look. Undefined where nothing has. */
  next(): Followed | undefined {
    const version = this.#reader.version();
    if (version === this.#version) return undefined;
    this.#version = version;
    return this.#reader.snapshot(() => ({
      events: [...this.#total(), ...this.#started(), ...this.#logLines(), ...this.#ended()],
      counts: countByRun(this.#reader, [this.#run], new Set()).get(this.#run) ?? noTasks,
    }));
  }

  #row(): Row {
    const [row] = runRows(this.#reader, 1, "id = ?", this.#run);
    if (row === undefined) throw new Error(`Internal error: run ${this.#run} is gone`);
    return row;
  }

  #total(): RunEvent[] {
    const total = number(this.#row()["tasks_total"]);
    return total === null ? [] : [{ type: "run-total", total, complete: true }];
  }

  *#started(): Generator<RunEvent> {
    const rows = this.#reader.query(
      `SELECT id, name, attempt, started_at, progress, message FROM task_runs
        WHERE ${ofRun("?1")} AND status = 'running' ORDER BY run_id, id LIMIT ?2`,
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
        const at = Date.parse(String(row["started_at"]));
        yield { type: "task-started", id, name: String(row["name"]), attempt, at };
      }
      if (shown.progress === progress && shown.message === message) continue;
      Object.assign(shown, { progress, message });
      yield message === null
        ? { type: "task-progress", id, progress }
        : { type: "task-progress", id, progress, message };
    }
  }

  #logLines(): RunEvent[] {
    const { lines, last } = linesAfter(this.#reader, this.#logs, this.#lastLog);
    this.#lastLog = last;
    return lines.map(({ id, task, attempt, at, level, line }) => ({
      type: "task-log",
      id: taskId(id),
      name: task,
      attempt,
      at: Date.parse(at),
      level,
      line,
    }));
  }

  *#ended(): Generator<RunEvent> {
    for (const failed of this.#failures()) {
      if (this.#failed.has(failed.id)) continue;
      this.#failed.add(failed.id);
      this.#shown.delete(taskId(failed.id));
      yield this.#finished(failed.row, "error");
    }
    const columns = "id, name, attempt, status, started_at, finished_at, error";
    for (const id of this.#shown.keys()) {
      const [row] = this.#reader.query(
        `SELECT ${columns} FROM task_runs WHERE run_id = ? AND id = ? AND status <> 'running'`,
        [this.#run, id],
      );
      if (row === undefined) continue;
      this.#shown.delete(id);
      const status = storedTaskStatus(row["status"], this.#reader);
      const isFinal = status !== "running" && status !== "queued";
      // A task that waits for its next attempt only leaves the screen.
      yield this.#finished(row, isFinal ? status : "cancelled");
    }
  }

  #failures(): { readonly id: number; readonly row: Row }[] {
    return this.#reader
      .query(
        `SELECT id, name, attempt, started_at, finished_at, error FROM task_runs
          WHERE ${ofRun("?1")} AND status = 'error'`,
        [this.#run],
      )
      .map((row) => ({ id: storedTaskId(row["id"], this.#reader), row }));
  }

  #finished(row: Row, status: FinalStatus): RunEvent {
    const why = failure(row["error"]);
    const started = text(row["started_at"]);
    return {
      type: "task-finished",
      id: storedTaskId(row["id"], this.#reader),
      name: String(row["name"]),
      attempt: number(row["attempt"]) ?? 1,
      status,
      startedAt: started === null ? null : Date.parse(started),
      at: Date.parse(text(row["finished_at"]) ?? started ?? ""),
      ...(why === null ? {} : { failure: why }),
    };
  }
}
