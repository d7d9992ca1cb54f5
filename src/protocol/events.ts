// What has been committed: the events that the screen, `--json` and `onEvent` get. Times are epoch ms.

import type { Failure } from "../base/failure.ts";
import type { RunId, TaskId } from "./ids.ts";
import type { Rerun } from "./reruns.ts";
import type { RunSlot } from "./schedule-rule.ts";
import type { SessionCosts } from "./summary.ts";
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
  /** Its address, without user and password. Absent: the tasks run in threads of this process. */
  readonly engine?: string;
  readonly at: number;
  /** True when a dead, cancelled or failed run is continued under its id. */
  readonly resumed: boolean;
  /** Tasks that an earlier session of this run has done: they are not run again. */
  readonly alreadyDone: number;
  /** Absent where the run is for no slot of a schedule. */
  readonly slot?: RunSlot;
};

/** Begins the events of a run of another process, which has begun earlier. Only in `attach --json`. */
export type RunAttached = {
  readonly type: "run-attached";
  readonly run: RunId;
  readonly pipeline: string;
  /** As in `run-started`. */
  readonly file: string | null;
  readonly db: string;
  /** Start of the run's first session. */
  readonly startedAt: number;
  readonly at: number;
};

/** Before anything of a continued run runs: tasks of earlier sessions that run again, or are kept as the user asks. */
export type RunReruns = {
  readonly type: "run-reruns";
  readonly run: RunId;
  readonly at: number;
  readonly tasks: readonly Rerun[];
};

/** How many tasks are known. The number grows while a stream or a fan-out unfolds. */
type RunTotal = {
  readonly type: "run-total";
  readonly total: number;
  /** False while more may come. */
  readonly complete: boolean;
};

/**
 * What tells a task from others of its name. Outside of pipeloom (`--json`, `onEvent`, hooks) there is only `label`, which is
 * then made of the input where the author gives none (`labelled` in label.ts).
 */
type TaskItem = {
  /** The author's. Empty: the node has a name of its own. */
  readonly label?: string | undefined;
  /** JSON text without secrets, cut after 1,024 characters (stored-input.ts). */
  readonly input?: string | undefined;
};

/** Where the attempt ran, in a run with an engine. Absent: in a thread of the run's own process, or nowhere. */
type OnMachine = {
  readonly machine?: string | undefined;
};

export type TaskStarted = TaskItem &
  OnMachine & {
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

type TaskLog = TaskItem &
  OnMachine & {
    readonly type: "task-log";
    readonly id: TaskId;
    readonly name: string;
    readonly attempt: number;
    readonly at: number;
    readonly level: LogLevel;
    readonly line: string;
  };

/** A checkpoint and the rows before it were committed. A later attempt starts at `cursor`. */
type TaskCheckpoint = {
  readonly type: "task-checkpoint";
  readonly id: TaskId;
  /** JSON text. */
  readonly cursor: string;
};

/** An attempt failed. The next one starts at `retryAt`; until then the task is `queued`. */
export type TaskRetrying = TaskItem &
  OnMachine & {
    readonly type: "task-retrying";
    readonly id: TaskId;
    readonly name: string;
    /** The attempt that failed. */
    readonly attempt: number;
    readonly at: number;
    readonly failure: Failure;
    readonly retryAt: number;
  };

export type TaskFinished = TaskItem &
  OnMachine & {
    readonly type: "task-finished";
    readonly id: TaskId;
    readonly name: string;
    readonly attempt: number;
    readonly status: FinalStatus;
    /** Null for a task that did not start: skipped, cancelled before it ran, or optional and failed in an earlier session. */
    readonly startedAt: number | null;
    readonly at: number;
    /** JSON text; present when another task reads it, unless it is long and is read from the file later. */
    readonly result?: string;
    /** Why the task is not `done`. */
    readonly failure?: Failure;
    /** Why it is done and did not run: `reused from run 12`. */
    readonly reason?: string;
  };

/** A task takes much longer than those of its definition in earlier runs. Once for each definition and session. */
export type TaskSlow = TaskItem & {
  readonly type: "task-slow";
  readonly id: TaskId;
  readonly name: string;
  /** The definition. */
  readonly task: string;
  readonly at: number;
  /** Until `at`. */
  readonly durationMs: number;
  /** False: the task has ended. */
  readonly isRunning: boolean;
  /** 95 of 100 tasks of the definition took no longer, */
  readonly p95Ms: number;
  /** in this many runs. */
  readonly runs: number;
};

export type RunFinished = SessionCosts & {
  readonly type: "run-finished";
  readonly run: RunId;
  readonly status: Exclude<RunStatus, "running">;
  readonly at: number;
  readonly failure?: Failure;
};

/**
 * A task that an earlier session has done runs again, because it depends on one that does (`--downstream`). It no longer counts
 * as `alreadyDone`.
 */
type TaskAgain = {
  readonly type: "task-again";
  readonly id: TaskId;
  readonly name: string;
};

export type TaskEvent =
  TaskStarted | TaskProgress | TaskLog | TaskCheckpoint | TaskRetrying | TaskFinished;

export type RunEvent =
  RunStarted | RunReruns | RunTotal | TaskAgain | TaskEvent | TaskSlow | RunFinished;
