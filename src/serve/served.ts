// What `serve` knows of the pipelines that it serves: for the page and its metrics. Plain data; times are epoch ms.

import type { ScheduleRule } from "../protocol/schedule-rule.ts";
import type { Trouble } from "../protocol/served-schedule.ts";
import type { SlotCounts, SlotOutcome } from "./slot-counters.ts";

export type Served = {
  readonly at: number;
  readonly startedAt: number;
  /** `stalled`: the scheduler has not looked at the clock for minutes. `stopping`: a signal ends it, and runs go on to their end. */
  readonly health: "healthy" | "stalled" | "stopping";
  /** By file, then by export. */
  readonly pipelines: readonly ServedPipeline[];
};

/** Gives the newest state, and says when it has changed. */
export type ServedSource = {
  served(): Served;
  /** @returns ends it */
  onChange(listener: () => void): () => void;
};

export type ServedPipeline = {
  /** Absolute. */
  readonly file: string;
  /** Null: the default export. */
  readonly exportName: string | null;
  /** As `schedule pause` and `run` take it: `/srv/etl.ts`, `/srv/etl.ts:nightly`. */
  readonly argument: string;
  /** Null: the file could not be loaded since serve began. */
  readonly name: string | null;
  /** Absolute. Null: not known, or it is kept in memory. */
  readonly db: string | null;
  readonly schedule: ServedSchedule | null;
  readonly state: ServedState;
  /** What was told and is not over, also if that was before serve began. */
  readonly trouble: Trouble | null;
  /** The next five. None while it is paused or cannot be served. */
  readonly next: readonly { readonly slot: number; readonly start: number }[];
  /** Processes of serve. */
  readonly running: readonly RunningSlot[];
  /** Due, and not begun. */
  readonly waiting: { readonly slot: number; readonly since: number; readonly why: string } | null;
  /** What became of the last slots since serve began, oldest first. */
  readonly slots: readonly SlotRecord[];
  readonly counts: SlotCounts;
};

type ServedSchedule = {
  /** `cron 30 2 * * * in Europe/Berlin`, `every 15m` */
  readonly text: string;
  /** Null: that of the machine. */
  readonly tz: string | null;
  readonly rule: ScheduleRule;
};

export type ServedState =
  | { readonly kind: "ok" }
  /** The file cannot be loaded any more. `hasSchedule`: its last good schedule goes on. */
  | {
      readonly kind: "broken";
      readonly message: string;
      readonly since: number;
      readonly hasSchedule: boolean;
    }
  /** `failures`: so many slots in a row had failed (`pauseAfter`). */
  | {
      readonly kind: "paused";
      readonly since: number;
      readonly by:
        { readonly kind: "person" } | { readonly kind: "failures"; readonly count: number };
    }
  /** It can be loaded, and cannot be served: no file for its history, another pipeline of its name, a param without default. */
  | { readonly kind: "refused"; readonly reason: string };

type RunningSlot = {
  readonly slot: number;
  /** Null: the process loads the file. */
  readonly run: number | null;
  readonly pid: number;
  readonly startedAt: number;
};

export type SlotRecord =
  | {
      readonly kind: "ran";
      readonly slot: number;
      readonly run: number | null;
      readonly startedAt: number;
      readonly finishedAt: number;
      readonly outcome: SlotOutcome;
      /** From the time at which it was to start. */
      readonly delayMs: number;
      /** `caught up`, `continued`; null: on time. */
      readonly why: string | null;
    }
  /** It never runs: an earlier run went on (`overlap`), or it was missed and is not caught up (`catchUp`, `window`, paused). */
  | { readonly kind: "skipped" | "missed"; readonly slot: number; readonly why: string };
