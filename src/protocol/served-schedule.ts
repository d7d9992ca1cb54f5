// What the database keeps of a pipeline that is served, and of its last slots: written and read by src/store, decided on by
// src/serve. Plain data; times are epoch ms.

import type { RunStatus } from "./status.ts";

/** What was told of a schedule and is not over: it is told once, and so is the recovery. */
export const troubles = ["failed", "late", "slow", "paused"] as const;
export type Trouble = { readonly kind: (typeof troubles)[number]; readonly slot: number | null };

export type Pause = {
  readonly at: number;
  /** So many failed slots in a row. Null: a person has paused it. */
  readonly failures: number | null;
};

export type ScheduleRow = {
  /** The rule whose slots count: another text is another rule. */
  readonly rule: string;
  /** Slots up to it never run: the rule was first seen then, or the schedule was resumed. */
  readonly since: number;
  readonly paused: Pause | null;
  /** Slots whose runs serve has cancelled at its own end. */
  readonly stopped: readonly number[];
  readonly trouble: Trouble | null;
  /** What is told of troubles and their ends, for the webhook, and not delivered yet: JSON, oldest first. */
  readonly untold: readonly string[];
};

/** A run of the pipeline. */
export type SlotRun = {
  readonly run: number;
  /** Null: it is for none. */
  readonly slot: number | null;
  /** `interrupted`: its process is dead. */
  readonly status: RunStatus | "interrupted";
  readonly startedAt: number;
  readonly finishedAt: number | null;
  /** Of its last session. */
  readonly pid: number | null;
  readonly trigger: string | null;
};

export type ScheduleHistory = {
  /** Null: it was never served. */
  readonly row: ScheduleRow | null;
  /** Of the last slots that have come, newest first. */
  readonly slots: readonly (SlotRun & { readonly slot: number })[];
  /** Runs that go on and are not among `slots`. */
  readonly others: readonly SlotRun[];
};

export const noHistory: ScheduleHistory = { row: null, slots: [], others: [] };

export type ScheduleChange = { readonly pipeline: string } & (
  | { readonly kind: "seen"; readonly rule: string; readonly at: number }
  | { readonly kind: "pause"; readonly pause: Pause }
  | { readonly kind: "resume"; readonly at: number }
  | { readonly kind: "stopped"; readonly slots: readonly number[] }
  | {
      readonly kind: "trouble";
      readonly trouble: Trouble | null;
      readonly untold: readonly string[];
    }
  /** One of `untold`; what else the row has meanwhile, stays. */
  | { readonly kind: "delivered"; readonly body: string }
);
