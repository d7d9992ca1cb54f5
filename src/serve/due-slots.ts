// Which slots are due now, after a stop, a sleep or a jump of the clock; and what becomes of one while a run goes on. Pure.

import { assertNever } from "../base/unreachable.ts";
import type { CatchUp, Overlap, ScheduleRule } from "../protocol/schedule-rule.ts";
import { lastSlot, slotsBetween } from "./schedule-slots.ts";

type Slots = Pick<ScheduleRule, "when" | "tz">;

/** A scheduler that is awake may be this late: then a slot has not been missed. */
export const onTimeMs = 60_000;

type Missed = {
  /**
   * The last slot up to now that a run has begun for, or that was passed over; or, where there is none, when the schedule was
   * first seen. Of slots after now (the clock has jumped back) none counts: it would stop the schedule until then.
   */
  readonly last: number;
  readonly now: number;
  readonly catchUp: CatchUp;
  /** An older slot is not worth a run any more. */
  readonly windowMs: number;
};

/**
 * The slots to run now, the oldest first. A caller that stops early goes on from the last one that it took.
 * @param start when the run of a slot begins: the slot and its jitter
 */
export function* dueSlots(
  schedule: Slots,
  { last, now, catchUp, windowMs }: Missed,
  start: (slot: number) => number = (slot) => slot,
): Generator<number> {
  const after = Math.max(last, now - windowMs - 1);
  switch (catchUp) {
    case "all":
      for (const slot of slotsBetween(schedule, after, now)) if (start(slot) <= now) yield slot;
      return;
    case "latest":
    case "none": {
      const slot = lastStarting(schedule, after, now, start);
      if (slot === null || (catchUp === "none" && now - start(slot) > onTimeMs)) return;
      yield slot;
      return;
    }
    default:
      assertNever(catchUp);
  }
}

/** The last slot whose start has come. The jitter of a slot ends before the next slot, so at most the last one has not started. */
function lastStarting(
  schedule: Slots,
  after: number,
  now: number,
  start: (slot: number) => number,
): number | null {
  const slot = lastSlot(schedule, after, now);
  return slot === null || start(slot) <= now ? slot : lastSlot(schedule, after, slot - 1);
}

/** An earlier run of the pipeline. */
export type Span = {
  readonly startedAt: number;
  readonly finishedAt: number | null;
  /** It is for a slot that was due. A run that a person began, or one of a backfill, takes no slot away and is not ended: the slot waits. */
  readonly isScheduled: boolean;
};

/**
 * `skip`: never run it. `wait`: ask again when a run has ended. `cancel`: end the runs that go on, then ask again.
 * A slot that was missed has overlapped nothing at its time, so it waits and is not skipped.
 * @param start when the run of the slot was to begin
 */
export function onOverlap(
  overlap: Overlap,
  start: number,
  runs: readonly Span[],
): "start" | "skip" | "wait" | "cancel" {
  const goesOn = runs.some(({ finishedAt }) => finishedAt === null);
  switch (overlap) {
    case "allow":
      return "start";
    case "queue":
      return goesOn ? "wait" : "start";
    case "cancel":
      if (!goesOn) return "start";
      return runs.some((run) => run.isScheduled && run.finishedAt === null) ? "cancel" : "wait";
    case "skip":
      if (runs.some((run) => run.isScheduled && wentOnAt(run, start))) return "skip";
      return goesOn ? "wait" : "start";
    default:
      return assertNever(overlap);
  }
}

const wentOnAt = ({ startedAt, finishedAt }: Span, at: number): boolean =>
  startedAt <= at && (finishedAt === null || finishedAt > at);

/** @param start when the slot was to begin */
export const isOnTime = (start: number, now: number): boolean => now - start <= onTimeMs;
