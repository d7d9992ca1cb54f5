// `--from` and `--to` of `backfill`, and the slots between them. Pure.

import { durationMs } from "../../base/parse-duration.ts";
import { quote } from "../../cli/flag-values.ts";
import { UsageError } from "../../cli/usage-error.ts";
import type { ScheduleRule } from "../../protocol/schedule-rule.ts";
import { slotsBetween } from "../../serve/schedule-slots.ts";
import { slotName, spanOf } from "../../serve/zoned-time.ts";

/** Each is a process of its own: this many take days. */
const maxSlots = 100_000;

type RangeFlags = { readonly from: string; readonly to: string | undefined };

/** Both included, epoch ms. */
type SlotRange = {
  readonly first: number;
  readonly last: number;
  /** `--to` is after now: the slots there are left to the schedule. */
  readonly isCut: boolean;
};

/** @throws UsageError for what is no time, and for an end before the beginning */
export function rangeOf({ from, to }: RangeFlags, tz: string, now: number): SlotRange {
  const { first } = timeFlag(from, "--from", tz, now);
  const end = to === undefined ? now : timeFlag(to, "--to", tz, now).last;
  if (first > now) {
    throw new UsageError(
      `--from ${from} is in the future, and a backfill runs slots that have passed`,
      "pipeloom schedule next shows those that come",
    );
  }
  if (first > end) throw new UsageError(`--to ${to} is before --from ${from}`);
  return { first, last: Math.min(end, now), isCut: end > now && to !== undefined };
}

function timeFlag(
  text: string,
  flag: string,
  tz: string,
  now: number,
): { readonly first: number; readonly last: number } {
  const span = spanOf(text, tz);
  if (span !== undefined) return span;
  const agoMs = /^[\d.]+\s*(?:ms|s|m|h|d)/.test(text) ? msOf(text, flag) : undefined;
  if (agoMs !== undefined)
    return { first: Math.max(0, now - agoMs), last: Math.max(0, now - agoMs) };
  throw new UsageError(
    `${flag} must be a day such as 2026-11-01, a time such as 2026-11-01T02:30 (in ${tz}), or 30d for so long ago, not ${quote(text)}`,
  );
}

function msOf(text: string, flag: string): number | undefined {
  try {
    return durationMs(text, flag, Number.POSITIVE_INFINITY);
  } catch {
    return undefined;
  }
}

/** In their order. @throws UsageError for more slots than anybody means */
export function slotsIn(
  schedule: Pick<ScheduleRule, "when" | "tz">,
  { first, last }: Pick<SlotRange, "first" | "last">,
  tz: string,
): number[] {
  const slots: number[] = [];
  for (const slot of slotsBetween(schedule, first - 1, last)) {
    if (slots.length === maxSlots) {
      const at = slotName(slots.at(-1) ?? slot, tz);
      throw new UsageError(
        `the range has more than ${maxSlots.toLocaleString("en")} slots, and each is a run: the first ones reach to ${at}`,
        `take a shorter range, e.g. --to ${at.replace(" ", "T").replace(" ", "")}`,
      );
    }
    slots.push(slot);
  }
  return slots;
}
