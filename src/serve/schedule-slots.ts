// The slots of a schedule: the times at which a pipeline is to run, as epoch milliseconds. Pure: a slot depends on the
// schedule only, so that a process that was killed, a clock that jumped and a second process all come to the same slots.

import { assertNever } from "../base/unreachable.ts";
import type { ScheduleRule } from "../protocol/schedule-rule.ts";

type Slots = Pick<ScheduleRule, "when" | "tz">;
type Starts = Pick<ScheduleRule, "when" | "tz" | "jitterMs">;

/** The first slot after `after`; null if there is none within years. */
export function slotAfter({ when, tz }: Slots, after: number): number | null {
  switch (when.kind) {
    case "cron":
      return Bun.cron.parse(when.cron, after, tz === null ? undefined : { tz })?.getTime() ?? null;
    case "every":
      return (Math.floor(after / when.everyMs) + 1) * when.everyMs;
    default:
      return assertNever(when);
  }
}

export const isSlot = (schedule: Slots, at: number): boolean => slotAfter(schedule, at - 1) === at;

/** Slots of `after < slot <= until`, in order. */
export function* slotsBetween(schedule: Slots, after: number, until: number): Generator<number> {
  for (let slot = slotAfter(schedule, after); slot !== null && slot <= until;) {
    yield slot;
    slot = slotAfter(schedule, slot);
  }
}

const minuteMs = 60_000;

/** The last slot of `after < slot <= until`: years of minutes may lie between. */
export function lastSlot(schedule: Slots, after: number, until: number): number | null {
  const { when } = schedule;
  if (when.kind === "every") {
    const slot = Math.floor(until / when.everyMs) * when.everyMs;
    return slot > after ? slot : null;
  }
  let last = slotAfter(schedule, after);
  if (last === null || last > until) return null;
  // Bisection, by minutes: a cron has no other times. No slot is in (to, until].
  let to = Math.floor(until / minuteMs) * minuteMs;
  while (to > last) {
    const middle = last + Math.floor((to - last) / minuteMs / 2) * minuteMs;
    const later = slotAfter(schedule, middle);
    if (later === null || later > to) to = middle;
    else last = later;
  }
  return last;
}

/**
 * When the run of a slot begins: the slot and its jitter, which never reaches the next slot, so that starts keep the order of
 * the slots.
 * @param seed of the pipeline and the machine: with the same seed, a slot begins at the same time
 */
export function startOf(schedule: Starts, slot: number, seed: string): number {
  if (schedule.jitterMs === 0) return slot;
  const next = slotAfter(schedule, slot) ?? Number.POSITIVE_INFINITY;
  const room = Math.min(schedule.jitterMs, next - slot);
  return slot + Math.floor((Bun.hash.xxHash32(`${seed} ${slot}`) / 2 ** 32) * room);
}
