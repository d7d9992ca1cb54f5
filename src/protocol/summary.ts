// The summary of a run: computed from committed events, shown by the screen, returned by `runPipeline`.

import type { Failure } from "../base/failure.ts";
import type { RunId, TaskId } from "./ids.ts";
import type { RunStatus } from "./status.ts";

/** The code of the failure of a run whose plan has no task that `only` asks for. To continue it would find none again. */
export const nothingSelected = "nothing-selected";

export type TaskFailure = {
  readonly id: TaskId;
  readonly name: string;
  /** What tells it from others of its name: the author's label, or the scalars of its input. Absent where nothing does. */
  readonly label?: string;
  readonly attempt: number;
  readonly failure: Failure;
  /** JSON text of its input, without secrets; after 1,024 characters it is cut off, with `…` at its end. Empty with `--inputs none`. */
  readonly input: string;
};

type FailedGroup = {
  readonly message: string;
  readonly count: number;
  /** The first three tasks that failed with it, by name and label. */
  readonly tasks: readonly string[];
};

/** Of a summary. */
export const maxDefinitionTimes = 5;

/** The tasks of one definition that this session has run to their end. */
export type DefinitionTime = {
  readonly task: string;
  readonly tasks: number;
  /** The durations of those that are done, added up. */
  readonly totalMs: number;
};

/** What a task waits for that has all of its inputs: for a worker, for the limit of its pool, or for its rate. */
export type WaitCause = "worker" | "limit" | "rate";

/** Tasks of one definition that have waited for the same thing, 100 ms or longer. */
export type WaitTime = {
  readonly task: string;
  readonly cause: WaitCause;
  /** The pool, where the cause is its limit or rate. */
  readonly pool?: string;
  readonly tasks: number;
  readonly longestMs: number;
};

/** What a session has cost. Absent where it is not known: of a run that keeps no history, or that ended elsewhere. */
export type SessionCosts = {
  /** The definitions that took most time, all their tasks together, most first: five at most. */
  readonly definitions?: readonly DefinitionTime[];
  /** What waited most, most first: five at most. */
  readonly waits?: readonly WaitTime[];
  /** Rows that its tasks have written. */
  readonly rows?: number;
  /** CPU time of the last attempts of its tasks, as far as it was measured: not of tasks below 1 ms. */
  readonly cpuMs?: number;
};

export type RunSummary = SessionCosts & {
  readonly run: RunId;
  readonly pipeline: string;
  /** The pipeline file, absolute; null when the pipeline came as a value. */
  readonly file: string | null;
  readonly db: string;
  readonly status: Exclude<RunStatus, "running">;
  /** Why the run failed, when no failed task is the reason. */
  readonly failure: Failure | null;
  /** Tasks known when the run ended, `alreadyDone` included. */
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly skipped: number;
  /** Tasks that were known and never started. */
  readonly queued: number;
  /** Tasks that were running when nothing more could be stored. */
  readonly interrupted: number;
  /** Attempts beyond the first one, of the tasks that ended in this session. */
  readonly retries: number;
  /** The part of `done` that an earlier session of this run had done. */
  readonly alreadyDone: number;
  /** The part of `done` whose results this session has taken from earlier runs. */
  readonly reused: number;
  /** Epoch ms. */
  readonly startedAt: number;
  readonly finishedAt: number;
  /** The first 20 failures, in the order of their commits. `failed` counts all. */
  readonly failures: readonly TaskFailure[];
  /** How often each failure message occurred: the 20 most frequent, most frequent first. */
  readonly failureGroups: readonly FailedGroup[];
  /**
   * The command that runs the failed tasks again, in a new session of this run and from any folder, quoted for a POSIX
   * shell. Null where no task has failed, and where no command can say it: the run kept no history, or its file or params
   * cannot be given on a command line.
   */
  readonly rerun: string | null;
  /** The five slowest tasks that ran, slowest first. */
  readonly slowest: readonly {
    readonly id: TaskId;
    readonly name: string;
    readonly label?: string;
    readonly durationMs: number;
  }[];
};

/** The tasks that have not ended when their run ends. */
export type LeftTasks = Pick<RunSummary, "queued" | "interrupted">;
