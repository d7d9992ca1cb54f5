// What the server tells of schedules: when pipelines run next, and what became of their last slots. Types only; times are epoch ms.

import type { RunBrief } from "./contract.ts";

/** The time that a run is for, and when it begins: later by the schedule's jitter. */
type NextSlot = { readonly slot: number; readonly start: number };

export type ScheduleState =
  | { readonly kind: "ok" }
  /** No `serve` is behind the page: the database has runs of its slots. */
  | { readonly kind: "unknown" }
  /** Its file cannot be loaded. `hasSchedule`: the last good schedule goes on. */
  | {
      readonly kind: "broken";
      readonly message: string;
      readonly since: number;
      readonly hasSchedule: boolean;
    }
  /** `failures`: so many slots in a row had failed. Null: a person did it. */
  | { readonly kind: "paused"; readonly since: number; readonly failures: number | null }
  | { readonly kind: "refused"; readonly reason: string };

/** A slot as one of the bars of its schedule. */
export type SlotBar = {
  readonly slot: number;
  /** `not-started`: its process ended before a run began. `missed` and `skipped`: it never runs. */
  readonly state: RunBrief["status"] | "missed" | "skipped" | "not-started";
  readonly run: number | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** How much later than it should it was started; null: not known. */
  readonly delayMs: number | null;
  readonly why: string | null;
};

export type ScheduleBrief = {
  /** Of the address of its actions. Null: nothing can be done here. */
  readonly id: number | null;
  /** Null: the file could not be loaded yet. */
  readonly name: string | null;
  readonly file: string | null;
  /** Null: the page shows one database, or none is known. */
  readonly database: number | null;
  /** The database has a run of it. */
  readonly hasRun: boolean;
  /** `cron 30 2 * * * in Europe/Berlin`; null: not known. */
  readonly text: string | null;
  /** IANA name; null: not known. */
  readonly tz: string | null;
  readonly state: ScheduleState;
  /** What was told of it and is not over. The slot is the first one. */
  readonly trouble: {
    readonly kind: "failed" | "late" | "slow";
    readonly slot: number | null;
  } | null;
  /** Five at most. */
  readonly next: readonly NextSlot[];
  readonly running: readonly { readonly slot: number; readonly run: number | null }[];
  /** Due, and not begun. */
  readonly waiting: { readonly slot: number; readonly why: string } | null;
  /** The last ones, oldest first. */
  readonly slots: readonly SlotBar[];
  /** Slots since `serve` began. */
  readonly missed: number;
  readonly skipped: number;
  readonly late: number;
};

/** `/data/schedules?text=&offset=`: what needs a person comes first, then by name; 50 at most. */
export type SchedulesView = {
  /** Null: no `serve` is behind the page. */
  readonly serve: {
    readonly startedAt: number;
    readonly health: "healthy" | "stalled" | "stopping";
  } | null;
  readonly schedules: readonly ScheduleBrief[];
  /** The place of the first of `schedules` among those that are asked for. */
  readonly offset: number;
  /** How many there are of those that are asked for. */
  readonly total: number;
  /** Of all: how many need a person. */
  readonly troubled: number;
};
