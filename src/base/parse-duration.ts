// Durations as written by people: 250 (ms), "250ms", "30s", "5m", "2h", "1d", "1m30s".

import { shownValue } from "./describe-value.ts";

type Part = `${number}${"" | " "}${"ms" | "s" | "m" | "h" | "d"}`;

/** Milliseconds, or a text such as "250ms", "30s", "5m", "2h", "1d" or "1m30s". */
export type Duration =
  | number
  | Part
  | `${number}${"d" | "h" | "m"}${"" | " "}${Part}`
  | `${number}d${number}h${number}m`
  | `${number}h${number}m${number}s`;

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const part = /(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)/gy;

/** setTimeout takes a signed 32-bit number of ms and fires at once for a longer wait. */
export const maxDurationMs = 2 ** 31 - 1;

/**
 * Milliseconds of a duration.
 * @param what the name of the value in the error, e.g. `task "load": timeout`
 * @param most the longest one. Default: what setTimeout can wait
 * @throws RangeError for a value that is not a duration of 0 ms to `most`
 */
export function durationMs(value: number | string, what: string, most = maxDurationMs): number {
  const ms = typeof value === "string" ? parse(value) : value;
  if (!Number.isFinite(ms) || ms < 0) {
    throw new RangeError(
      `${what} must be milliseconds or a duration like "250ms", "30s", "5m" or "1m30s", not ${shownValue(value)}`,
    );
  }
  if (ms > most) {
    const days = Math.floor(most / 86_400_000);
    throw new RangeError(
      `${what} must be at most ${days === 1 ? "1 day" : `${days} days`}, not ${shownValue(value)}`,
    );
  }
  return ms;
}

function parse(text: string): number {
  const trimmed = text.trim();
  let total = 0;
  let end = 0;
  part.lastIndex = 0;
  for (let match = part.exec(trimmed); match !== null; match = part.exec(trimmed)) {
    total += Number(match[1]) * (unitMs[match[2] ?? ""] ?? Number.NaN);
    end = part.lastIndex;
  }
  return end === trimmed.length && trimmed !== "" ? total : Number.NaN;
}
