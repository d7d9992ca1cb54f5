// What has been committed, as everyone who looks sees it: the screen, `--json`, `onEvent`. Times are epoch ms.

import type { Failure } from "../base/failure.ts";
import type { RunId, TaskId } from "./ids.ts";
import type { FinalStatus, LogLevel, RunStatus } from "./status.ts";

export type RunStarted = {
  readonly type: "run-started";
  readonly run: RunId;
  readonly pipeline: string;
  /** The pipeline file, absolute; null when the pipeline came as a value. */
  readonly file: string | null;
  readonly db: string;
  readonly journal: "wal" | "delete" | "memory";
  readonly workers: number;
  readonly concurrency: number;
  readonly at: number;
  /** True when a dead, cancelled or failed run is continued under its old id. */
  readonly resumed: boolean;
  /** Tasks that an earlier session of this run finished, and that are not run again. */
  readonly alreadyDone: number;
};

/** How many tasks there are, as far as is known. It grows while a stream or a fan-out unfolds. */
export type RunTotal = {
  readonly type: "run-total";
  readonly total: number;
  /** False while more may come. */
  readonly complete: boolean;
};

export type TaskStarted = {
  readonly type: "task-started";
  readonly id: TaskId;
  readonly name: string;
  readonly attempt: number;
  readonly at: number;
};

export type TaskProgress = {
  readonly type: "task-progress";
  readonly id: TaskId;
  /** 0..1 */
  readonly progress: number;
  readonly message?: string;
};

export type TaskLog = {
  readonly type: "task-log";
  readonly id: TaskId;
  readonly name: string;
  readonly attempt: number;
  readonly at: number;
  readonly level: LogLevel;
  readonly line: string;
};

/** A checkpoint was committed: the rows so far are in, and `cursor` is where a later attempt starts. */
export type TaskCheckpoint = {
  readonly type: "task-checkpoint";
  readonly id: TaskId;
  /** JSON text. */
  readonly cursor: string;
};

/** An attempt failed and another will follow at `retryAt`; until then the task is `queued`. */
export type TaskRetrying = {
  readonly type: "task-retrying";
  readonly id: TaskId;
  readonly name: string;
  /** The attempt that failed. */
  readonly attempt: number;
  readonly at: number;
  readonly failure: Failure;
  readonly retryAt: number;
};

export type TaskFinished = {
  readonly type: "task-finished";
  readonly id: TaskId;
  readonly name: string;
  readonly attempt: number;
  readonly status: FinalStatus;
  /** Null for a task that did not start: skipped, cancelled before it ran, or optional and failed in an earlier session. */
  readonly startedAt: number | null;
  readonly at: number;
  /** JSON text; only where a later task waits for it. */
  readonly result?: string;
  /** Why it is not `done`. */
  readonly failure?: Failure;
};

export type RunFinished = {
  readonly type: "run-finished";
  readonly run: RunId;
  readonly status: Exclude<RunStatus, "running">;
  readonly at: number;
  readonly failure?: Failure;
};

export type TaskEvent =
  TaskStarted | TaskProgress | TaskLog | TaskCheckpoint | TaskRetrying | TaskFinished;

export type RunEvent = RunStarted | RunTotal | TaskEvent | RunFinished;
