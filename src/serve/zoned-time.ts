// Times as people write and read them in the time zone of a schedule. Pure.

import { Temporal } from "../base/globals.ts";

/** Both included, epoch ms. */
type Span = { readonly first: number; readonly last: number };

const day = /^\d{4}-\d\d-\d\d$/;
const wallTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?$/;
const fixedTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * When it is `2026-11-01`, `2026-11-01T02:30` (both in the zone) or `2026-11-01T02:30+01:00`. A day is as long as it is there; a time that
 * comes twice when clocks go back is from the first to the last; one that is left out comes as much later.
 * @returns undefined for what is no such text, and for a date that is none
 */
export function spanOf(text: string, tz: string): Span | undefined {
  try {
    if (fixedTime.test(text)) return at(Temporal.Instant.from(text).epochMilliseconds);
    if (day.test(text)) return daySpan(Temporal.PlainDate.from(text), tz);
    if (wallTime.test(text)) return wallSpan(Temporal.PlainDateTime.from(text), tz);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

const at = (epochMs: number): Span => ({ first: epochMs, last: epochMs });

const daySpan = (date: Temporal.PlainDate, tz: string): Span => ({
  first: date.toZonedDateTime(tz).epochMilliseconds,
  last: date.add({ days: 1 }).toZonedDateTime(tz).epochMilliseconds - 1,
});

function wallSpan(time: Temporal.PlainDateTime, tz: string): Span {
  const epochMs = (disambiguation: "earlier" | "later" | "compatible"): number =>
    time.toZonedDateTime(tz, { disambiguation }).epochMilliseconds;
  const span = { first: epochMs("earlier"), last: epochMs("later") };
  // Of a time that is left out, `earlier` would be before the gap.
  return wallOf(span.first, tz).equals(time) ? span : at(epochMs("compatible"));
}

const zoned = (epochMs: number, tz: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(epochMs).toZonedDateTimeISO(tz);

const wallOf = (epochMs: number, tz: string): Temporal.PlainDateTime =>
  zoned(epochMs, tz).toPlainDateTime();

/** `2026-11-01 02:30`, with seconds where there are any, and with the offset where this time comes twice. */
export function slotName(epochMs: number, tz: string): string {
  const time = zoned(epochMs, tz);
  const wall = time.toPlainDateTime();
  const { first, last } = wallSpan(wall, tz);
  const isWholeMinute = wall.second === 0 && wall.millisecond === 0;
  const text = wall.toString(isWholeMinute ? { smallestUnit: "minute" } : {}).replace("T", " ");
  return first === last ? text : `${text} ${time.offset}`;
}
