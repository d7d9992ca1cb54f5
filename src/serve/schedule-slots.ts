// The slots of a schedule: the times at which a pipeline is to run, as epoch milliseconds. Pure: a slot depends on the
// schedule only, so that a process that was killed, a clock that jumped and a second process all come to the same slots.

import { Temporal } from "../base/globals.ts";
import { assertNever } from "../base/unreachable.ts";
import type { ScheduleRule } from "../protocol/schedule-rule.ts";
import { machineZone } from "./schedule-text.ts";

type Slots = Pick<ScheduleRule, "when" | "tz">;
type Starts = Pick<ScheduleRule, "when" | "tz" | "jitterMs">;

/** The first slot after `after`; null if there is none within years. */
export function slotAfter({ when, tz }: Slots, after: number): number | null {
  switch (when.kind) {
    case "cron":
      return cronAfter(when.cron, tz ?? machineZone(), after);
    case "every":
      return (Math.floor(after / when.everyMs) + 1) * when.everyMs;
    default:
      return assertNever(when);
  }
}

/**
 * A time that is left out when clocks go forward comes as much later: 02:30 is 03:30 on that day. `Bun.cron.parse` gives only the first of
 * these times, and none if it begins after the change: it is asked again for them.
 */
function cronAfter(cron: string, tz: string, after: number): number | null {
  const next = Bun.cron.parse(cron, after, { tz })?.getTime() ?? null;
  const here = slotInGap(cron, tz, after, after);
  if (here !== null || next === null) return here ?? next;
  return slotInGap(cron, tz, next, after) ?? next;
}

/**
 * The first slot after `after` while the times come that clocks have left out before `at`. They have as many hours as those that come
 * anyway, so both are read off a clock that does not change: as it was before the change, and as it is since.
 */
function slotInGap(cron: string, tz: string, at: number, after: number): number | null {
  const change = lastForward(tz, at);
  if (change === null) return null;
  const [before, since] = [offsetOf(tz, change - 1), offsetOf(tz, change)];
  const from = Math.max(after, change - 1);
  const slots = [before, since].map(
    (offset) =>
      (Bun.cron.parse(cron, from + offset, { tz: "UTC" })?.getTime() ?? Infinity) - offset,
  );
  const first = Math.min(...slots);
  return first - change < since - before ? first : null;
}

/** The most that clocks go forward is 2 h (Antarctica/Troll); days that countries have left out do not count. */
const longestGapMs = 2 * 3_600_000;

/** When clocks have gone forward, if that is not longer ago than the time that they have left out. Null: it is. */
function lastForward(tz: string, at: number): number | null {
  if (tz === "UTC") return null;
  const [offset, before] = [offsetOf(tz, at), offsetOf(tz, at - longestGapMs)];
  if (offset <= before) return null;
  let [from, to] = [at - longestGapMs, at];
  while (to - from > 1) {
    const middle = Math.floor((from + to) / 2);
    if (offsetOf(tz, middle) < offset) from = middle;
    else to = middle;
  }
  return at - to < offset - before ? to : null;
}

const offsetOf = (tz: string, at: number): number =>
  Temporal.Instant.fromEpochMilliseconds(Math.floor(at)).toZonedDateTimeISO(tz).offsetNanoseconds /
  1e6;

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

type Start = { readonly slot: number; readonly start: number };

/**
 * The next slots to begin. With jitter the first one may be in the past: it has come, and begins later.
 * @param since slots up to it never run
 */
export function nextStarts(
  schedule: Starts,
  seed: string,
  { now, since, most }: { readonly now: number; readonly since: number; readonly most: number },
): Start[] {
  const starts: Start[] = [];
  const last =
    schedule.jitterMs === 0
      ? null
      : lastSlot(schedule, Math.max(since, now - schedule.jitterMs), now);
  const isToCome = last !== null && startOf(schedule, last, seed) > now;
  let slot = isToCome ? last : slotAfter(schedule, now);
  for (; slot !== null && starts.length < most; slot = slotAfter(schedule, slot)) {
    starts.push({ slot, start: startOf(schedule, slot, seed) });
  }
  return starts;
}
