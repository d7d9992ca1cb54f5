// A point in the past as people write it.

import { systemClock } from "../base/clock.ts";
import { Date } from "../base/globals.ts";
import { toIso } from "../base/iso-time.ts";
import { durationMs } from "../base/parse-duration.ts";
import { quote } from "../cli/flag-values.ts";
import { UsageError } from "../cli/usage-error.ts";

/**
 * Epoch ms of `2h` (ago), `2026-01-31` (in the reader's time zone) or a whole ISO 8601 time.
 * @throws UsageError that names the flag
 */
export function timeOf(text: string, flag: string): number {
  if (isDay(text.slice(0, dayChars))) {
    // A date alone would count as UTC.
    const at = Date.parse(text.length === dayChars ? `${text}T00:00` : text);
    if (!Number.isNaN(at)) return at;
  } else if (/[a-z]$/.test(text)) {
    try {
      // No run is older than 1970, and beyond some 200,000 years there is no such date.
      return Math.max(0, systemClock.wall() - durationMs(text, flag, Number.POSITIVE_INFINITY));
    } catch {
      // The error below names both forms.
    }
  }
  throw new UsageError(
    `${flag} must be a duration such as 2h or 30m, or a time such as 2026-01-31, not ${quote(text)}`,
  );
}

const dayChars = "2026-01-31".length;

/** `Date.parse` takes 2026-02-31 for a day in March. */
function isDay(text: string): boolean {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00Z`) : Number.NaN;
  return !Number.isNaN(at) && toIso(at).startsWith(text);
}
