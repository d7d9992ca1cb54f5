// Which slots are due now, after a stop, a sleep or a jump of the clock; and what becomes of one while a run goes on. Pure.

import { assertNever } from "../base/unreachable.ts";
import type { ScheduleRule } from "../protocol/schedule-rule.ts";
import { lastSlot, slotsBetween } from "./schedule-slots.ts";

/** Of the slots that were missed: run the last one, run each, or run none. */
type CatchUp = "latest" | "all" | "none";

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

/** The slots to run now, the oldest first. A caller that stops early goes on from the last one that it took. */
export function* dueSlots(
  schedule: Pick<ScheduleRule, "when" | "tz">,
  { last, now, catchUp, windowMs }: Missed,
): Generator<number> {
  const after = (ageMs: number): number => Math.max(last, now - ageMs - 1);
  switch (catchUp) {
    case "all":
      yield* slotsBetween(schedule, after(windowMs), now);
      return;
    case "latest":
    case "none": {
      const ageMs = catchUp === "none" ? Math.min(windowMs, onTimeMs) : windowMs;
      const slot = lastSlot(schedule, after(ageMs), now);
      if (slot !== null) yield slot;
      return;
    }
    default:
      assertNever(catchUp);
  }
}

/** What becomes of a slot while an earlier run of the pipeline goes on. */
type Overlap = "skip" | "queue" | "cancel" | "allow";

/** An earlier run of the pipeline. */
type Span = { readonly startedAt: number; readonly finishedAt: number | null };

/**
 * `skip`: never run it. `wait`: ask again when a run has ended. `cancel`: end the runs that go on, then ask again.
 * A slot that was missed has overlapped nothing at its time, so it waits and is not skipped.
 */
export function onOverlap(
  overlap: Overlap,
  slot: number,
  runs: readonly Span[],
): "start" | "skip" | "wait" | "cancel" {
  const goesOn = runs.some(({ finishedAt }) => finishedAt === null);
  switch (overlap) {
    case "allow":
      return "start";
    case "queue":
      return goesOn ? "wait" : "start";
    case "cancel":
      return goesOn ? "cancel" : "start";
    case "skip":
      if (runs.some((run) => wentOnAt(run, slot))) return "skip";
      return goesOn ? "wait" : "start";
    default:
      return assertNever(overlap);
  }
}

const wentOnAt = ({ startedAt, finishedAt }: Span, at: number): boolean =>
  startedAt <= at && (finishedAt === null || finishedAt > at);
