// A point in the past as people write it.

import { systemClock } from "../base/clock.ts";
import { Date } from "../base/globals.ts";
import { durationMs } from "../base/parse-duration.ts";
import { quote } from "../cli/flag-values.ts";
import { UsageError } from "../cli/usage-error.ts";

/**
 * Epoch ms of `2h` (ago), `2026-01-31` (in the reader's time zone) or a whole ISO 8601 time.
 * @throws UsageError that names the flag
 */
export function timeOf(text: string, flag: string): number {
  const now = systemClock.wall();
  if (/^\d{4}-/.test(text)) {
    // A date alone would count as UTC.
    const at = Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text);
    if (!Number.isNaN(at)) return at;
  } else if (/[a-z]$/.test(text)) {
    try {
      return now - durationMs(text, flag, Number.POSITIVE_INFINITY);
    } catch {
      // The error below names both forms.
    }
  }
  throw new UsageError(
    `${flag} must be a duration such as 2h or 30m, or a time such as 2026-01-31, not ${quote(text)}`,
  );
}
