// What workers and main tell the writer about tasks, and the writer's acknowledgement. Times are epoch ms.

import type { Failure } from "../base/failure.ts";
import type { PlannedItem } from "./planned-item.ts";
import type { TaskId, WorkerId } from "./ids.ts";
import type { Execution, LeftTables } from "./reuse.ts";
import type { WantsResult } from "./wants-result.ts";
import type { LogLevel } from "./status.ts";

export type Outcome =
  | {
      readonly status: "done";
      /** JSON text. */
      readonly result: string;
      /** When the next attempt starts, should the database refuse the task's unit; absent when none would follow. */
      readonly retryAt?: number;
    }
  /** `retryAt`: when the next attempt starts; absent when none follows. */
  | { readonly status: "error"; readonly failure: Failure; readonly retryAt?: number }
  | { readonly status: "cancelled"; readonly failure: Failure };

/** What to do when the table already has a row with this key. */
export type OnConflict =
  | { readonly action: "fail" }
  | { readonly action: "nothing"; readonly key: readonly string[] }
  /** `update` null: every given column that is not in the key. */
  | {
      readonly action: "update";
      readonly key: readonly string[];
      readonly update: readonly string[] | null;
    };

/** What makes a result one of this run only. */
export type DatabaseCall = "ctx.query" | "ctx.state" | "ctx.run.scheduledFor" | "ctx.run.previous";

export type TaskRecord =
  | (PlannedItem & {
      readonly type: "started";
      readonly id: TaskId;
      readonly name: string;
      readonly key: string;
      readonly attempt: number;
      readonly at: number;
      /** How long it was ready, of a first attempt; absent where that is not known. */
      readonly waitedMs?: number | undefined;
      /** It has begun in an earlier session, which has died, and goes on: what it has sent since is sent again. */
      readonly goesOn?: true;
    })
  | {
      readonly type: "progress";
      readonly id: TaskId;
      /** 0..1 */
      readonly progress: number;
      readonly message?: string;
    }
  | {
      readonly type: "log";
      readonly id: TaskId;
      readonly name: string;
      readonly attempt: number;
      readonly at: number;
      readonly level: LogLevel;
      readonly line: string;
      /** Only announced: the attempt has logged more than is stored. */
      readonly isCut?: true;
      /** The author's; absent where there is none. */
      readonly label?: string | undefined;
    }
  /** The task has read the database or used the state, and may be one whose result later runs take. */
  | {
      readonly type: "queried";
      readonly id: TaskId;
      readonly key: string;
      readonly by: DatabaseCall;
    }
  /** Answered by an `ack` with the same `seq`. */
  | {
      readonly type: "checkpoint";
      readonly id: TaskId;
      readonly key: string;
      readonly attempt: number;
      readonly seq: number;
      readonly cursor: string;
    }
  | (PlannedItem & {
      readonly type: "finished";
      readonly id: TaskId;
      readonly name: string;
      readonly key: string;
      readonly attempt: number;
      /** Null when the task never ran. */
      readonly startedAt: number | null;
      readonly at: number;
      readonly outcome: Outcome;
      readonly wantsResult: WantsResult;
      /** See `started`. */
      readonly waitedMs?: number | undefined;
      /** CPU time; absent where it was not measured. */
      readonly cpuMs?: number | undefined;
      /** The last progress, 0..1; absent when the attempt reported none. */
      readonly progress?: number;
      readonly message?: string;
    });

/**
 * A message on a worker's port is a text: the JSON of `TaskRecord[]`; after `!`, completions (codec/completions.ts); or
 * after `#`, one item of a unit (codec/unit-item.ts). Each costs credits (shared/credits.ts). The writer applies the items
 * with the `checkpoint` or the `finished` record of status done that ends the unit, and drops them otherwise. A worker
 * sends no record of another task between the items of a unit and the record that ends it.
 */
export const unitItemMark = "#";

/** Sent after a commit: the credits are given back, and these checkpoints were committed or refused. */
export type Ack = {
  readonly type: "ack";
  /** How many texts of records were committed since the last one that said so. Absent: none. */
  readonly records?: number;
  readonly checkpoints?: readonly {
    readonly id: TaskId;
    readonly seq: number;
    /** Why the unit could not be applied; absent when it was. */
    readonly failure?: Failure;
  }[];
};

/** The first and the last id of tasks whose ids follow each other. */
export type LeftRange = readonly [first: TaskId, last: TaskId];

/** What main records itself, because no worker knows it. */
export type MainRecord =
  /** The task runs from its beginning because it depends on one that does. To be recorded before it is assigned. */
  | (PlannedItem & {
      readonly type: "again";
      readonly id: TaskId;
      readonly name: string;
      readonly key: string;
    })
  | (PlannedItem & {
      readonly type: "queued";
      readonly id: TaskId;
      readonly name: string;
      readonly key: string;
    })
  | (PlannedItem & {
      readonly type: "skipped";
      readonly id: TaskId;
      readonly name: string;
      readonly key: string;
      readonly at: number;
      readonly failure: Failure;
    })
  /** Tasks that earlier sessions have done, and that the plan of this one does not have. Not announced: there may be a million. */
  | { readonly type: "left"; readonly ranges: readonly LeftRange[] }
  /**
   * The attempt was lost with its worker, and not by its own fault: the task waits for its next one. `startedAt`: a short
   * attempt says only at its end when it began.
   */
  | (PlannedItem & {
      readonly type: "interrupted";
      readonly id: TaskId;
      readonly name: string;
      readonly key: string;
      readonly attempt: number;
      readonly worker: WorkerId;
      readonly startedAt: number | null;
      readonly at: number;
      readonly failure: Failure;
    })
  /** The writer has found the result of an earlier run. */
  | (PlannedItem & {
      readonly type: "reused";
      readonly id: TaskId;
      readonly name: string;
      readonly key: string;
      readonly at: number;
      readonly wantsResult: WantsResult;
      readonly from: Execution;
      /** JSON text. */
      readonly result: string;
      /** When that task ran. */
      readonly endedAt: number;
      readonly left: LeftTables;
    })
  /** There is such a result, and it is not taken. */
  | {
      readonly type: "not-reused";
      readonly id: TaskId;
      readonly name: string;
      readonly key: string;
      readonly reason: string;
    }
  /** An attempt that was lost with its worker, by its own fault or because the run is to stop. */
  | (Extract<TaskRecord, { type: "finished" }> & { readonly worker: WorkerId | null })
  | Extract<TaskRecord, { type: "log" }>;
