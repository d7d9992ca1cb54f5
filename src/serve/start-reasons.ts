// Why a slot begins late, or does not begin: words for the log, the page and the webhook. Pure.

import type { Decision } from "./decide-slot.ts";
import { isOnTime } from "./due-slots.ts";
import type { StartReason } from "./serve-event.ts";
import type { ServedEntry } from "./served-entry.ts";

export const tooMany = "too many runs go on";

const notServed = "nothing served it at its time";

export const whyLeftOut = { skipped: "an earlier run went on", missed: "it was missed" } as const;

/** @param slot the late one */
export function whyLate(entry: ServedEntry, slot: number, { waiting, start }: Decision): string {
  if (entry.wasLoading(slot)) return "its file took long to load";
  if (waiting !== null && entry.processes.has(slot)) return waiting.why;
  if (entry.wasMissed(slot)) return notServed;
  if (waiting !== null) return waiting.why;
  if (start === null) return whyLeftOut.missed;
  if (entry.isBlocked) return tooMany;
  // A stop of less than a minute misses no slot, and may be longer than `startWithin`.
  return entry.startOf(slot) < entry.servedSince ? notServed : whyLeftOut.skipped;
}

/** Of a slot whose run has not begun before. */
export function startReason(
  entry: ServedEntry,
  slot: number,
  start: number,
  now: number,
): StartReason {
  if (entry.failedTries.includes(slot)) return "tried again";
  if (entry.wasMissed(slot) && !entry.wasLoading(slot)) return "caught up";
  return entry.waiting?.slot !== slot && isOnTime(start, now) ? "on time" : "waited";
}
