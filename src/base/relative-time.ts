// Relative times, short enough for a column.

import { Date } from "./globals.ts";

const steps: readonly (readonly [belowSeconds: number, perUnit: number, unit: string])[] = [
  [60, 1, "s"],
  [3600, 60, "min"],
  [86_400, 3600, "h"],
  [7 * 86_400, 86_400, "d"],
  [30 * 86_400, 7 * 86_400, "wk"],
  [365 * 86_400, 30 * 86_400, "mo"],
  [Infinity, 365 * 86_400, "yr"],
];

/** `3 min ago`, `just now`, `in 5 s`. Both in epoch ms. */
export function relativeTime(at: number, now: number): string {
  const seconds = Math.floor(Math.abs(now - at) / 1000);
  if (seconds < 2) return "just now";
  const step = steps.find(([below]) => seconds < below);
  if (step === undefined) return "";
  const [, perUnit, unit] = step;
  const text = `${Math.floor(seconds / perUnit)} ${unit}`;
  return at <= now ? `${text} ago` : `in ${text}`;
}

const two = (n: number): string => String(n).padStart(2, "0");

/** As in ISO 8601, where years of more than four digits have a sign. */
const yearText = (year: number): string => {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, "0");
  return `${year < 0 ? "-" : "+"}${String(Math.abs(year)).padStart(6, "0")}`;
};

/** `2026-01-31 12:00:00`, in the reader's time zone. */
export function localTime(at: number): string {
  const date = new Date(at);
  const day = [yearText(date.getFullYear()), two(date.getMonth() + 1), two(date.getDate())];
  return `${day.join("-")} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")}`;
}
