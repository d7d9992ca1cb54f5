// What a run came to: computed from committed events, shown by the screen, returned by `runPipeline`.

import type { Failure } from "../base/failure.ts";
import type { RunId, TaskId } from "./ids.ts";
import type { RunStatus } from "./status.ts";

export type TaskFailure = {
  readonly id: TaskId;
  readonly name: string;
  readonly attempt: number;
  readonly failure: Failure;
};

export type RunSummary = {
  readonly run: RunId;
  readonly pipeline: string;
  /** The pipeline file, absolute; null when the pipeline came as a value. */
  readonly file: string | null;
  readonly db: string;
  readonly status: Exclude<RunStatus, "running">;
  /** Why the run as a whole failed, when it is not because of its tasks. */
  readonly failure: Failure | null;
  /** Tasks known when it ended, `alreadyDone` included. */
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly skipped: number;
  /** Known, and never started. */
  readonly queued: number;
  /** Of `done`: finished by an earlier session of this run, and not run again. */
  readonly alreadyDone: number;
  /** Epoch ms. */
  readonly startedAt: number;
  readonly finishedAt: number;
  /** The first ones, in the order they were committed; at most 20. `failed` counts all. */
  readonly failures: readonly TaskFailure[];
  /** How often each failure message occurred, most frequent first; at most 20 messages. */
  readonly failureGroups: readonly { readonly message: string; readonly count: number }[];
  /** The five slowest tasks that ran, slowest first. */
  readonly slowest: readonly {
    readonly id: TaskId;
    readonly name: string;
    readonly durationMs: number;
  }[];
};
