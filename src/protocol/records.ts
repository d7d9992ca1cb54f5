// What workers and main tell the writer about tasks, and its answer. Records of workers travel as JSON text in batches: one
// string is three times faster to post than the structured clone of the same array.

import type { Failure } from "../base/failure.ts";
import type { TaskId } from "./ids.ts";
import type { LogLevel } from "./status.ts";

export type Outcome =
  /** `result` is JSON text. */
  | {
      readonly status: "done";
      readonly result: string;
      /** When another attempt follows if its unit turns out not to fit into the database. */
      readonly retryAt?: number;
    }
  /** `retryAt` when another attempt will follow. */
  | { readonly status: "error"; readonly failure: Failure; readonly retryAt?: number }
  | { readonly status: "cancelled"; readonly failure: Failure };

/** What to do when a row's key is already there. */
export type OnConflict =
  | { readonly action: "fail" }
  | { readonly action: "nothing"; readonly key: readonly string[] }
  /** `update` null: every column that was given and is not in the key. */
  | {
      readonly action: "update";
      readonly key: readonly string[];
      readonly update: readonly string[] | null;
    };

export type TaskRecord =
  | {
      readonly type: "started";
      readonly id: TaskId;
      readonly name: string;
      readonly key: string;
      readonly attempt: number;
      readonly at: number;
    }
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
    }
  /** Answered by an `ack` with the same `seq`. */
  | {
      readonly type: "checkpoint";
      readonly id: TaskId;
      readonly attempt: number;
      readonly seq: number;
      readonly cursor: string;
    }
  | {
      readonly type: "finished";
      readonly id: TaskId;
      readonly name: string;
      readonly key: string;
      readonly attempt: number;
      /** Null for a task that never ran. */
      readonly startedAt: number | null;
      readonly at: number;
      readonly outcome: Outcome;
      readonly wantsResult: boolean;
      /** The last progress, 0..1; absent when the attempt reported none. */
      readonly progress?: number;
      readonly message?: string;
    };

/**
 * A message on a worker's port is a text: the JSON of `TaskRecord[]`; after `!`, completions (codec/completions.ts); or
 * after `#`, one item of a unit (codec/unit-item.ts). Each costs credits (shared/credits.ts). The writer applies the items
 * with the `checkpoint` or the `finished` record of status done that ends the unit, and drops them otherwise. A worker
 * sends no record of another task between the items of a unit and the record that ends it.
 */
export const unitItemMark = "#";

/** After the commit: there is room again, and what became of the checkpoints in it. */
export type Ack = {
  readonly type: "ack";
  readonly checkpoints?: readonly {
    readonly id: TaskId;
    readonly seq: number;
    /** Why the unit could not be applied; absent when it was. */
    readonly failure?: Failure;
  }[];
};

/** What main itself knows about tasks and no Worker can say. */
export type MainRecord =
  | { readonly type: "queued"; readonly id: TaskId; readonly name: string; readonly key: string }
  | {
      readonly type: "skipped";
      readonly id: TaskId;
      readonly name: string;
      readonly key: string;
      readonly at: number;
      readonly failure: Failure;
    }
  | Extract<TaskRecord, { type: "finished" | "log" }>;
