// `scheduledFor`: the slot that a run is for.

import { Date } from "../base/globals.ts";
import { toIso } from "../base/iso-time.ts";
import { isText } from "./option.ts";

const isoTime = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/;

/** ISO 8601 UTC with milliseconds; undefined for what is not a whole ISO 8601 time with a time zone. */
export function slotTime(text: string): string | undefined {
  const [, day = ""] = isoTime.exec(text) ?? [];
  // `Date.parse` takes 2026-02-31 for a day in March.
  const midnight = Date.parse(`${day}T00:00Z`);
  if (Number.isNaN(midnight) || !toIso(midnight).startsWith(day)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : toIso(at);
}

export const slotForm = "a time with its time zone, e.g. 2026-11-27T02:30:00+01:00";

export const isSlotTime = (value: unknown): boolean =>
  isText(value) && slotTime(value) !== undefined;
