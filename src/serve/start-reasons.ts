// Why a slot begins late, or does not begin: words for the log, the page and the webhook. Pure.

import type { Decision } from "./decide-slot.ts";
import { isOnTime } from "./due-slots.ts";
import type { StartReason } from "./serve-event.ts";
import type { ServedEntry } from "./served-entry.ts";

export const tooMany = "too many runs go on";

export const whyLeftOut = { skipped: "an earlier run went on", missed: "it was missed" } as const;

/** @param slot the late one */
export function whyLate(
  entry: ServedEntry,
  slot: number,
  { waiting, start }: Decision,
  now: number,
): string {
  if (entry.wasLoading(slot)) return "its file took long to load";
  if (waiting !== null && entry.processes.has(slot)) return waiting.why;
  const since = entry.waiting?.slot === slot ? entry.waiting.since : now;
  if (!isOnTime(entry.startOf(slot), since)) return "nothing served it at its time";
  if (waiting !== null) return waiting.why;
  return start === null ? "it was missed" : tooMany;
}

/** Of a slot whose run has not begun before. */
export function startReason(
  entry: ServedEntry,
  slot: number,
  start: number,
  now: number,
): StartReason {
  if (entry.failedTries.includes(slot)) return "tried again";
  if (entry.waiting?.slot === slot) return "waited";
  if (isOnTime(start, now)) return "on time";
  return entry.wasLoading(slot) ? "waited" : "caught up";
}
