// The bars of a frame. Pure.

import { type Layout, overallProgress } from "./frame-layout.ts";
import type { Glyphs } from "./glyphs.ts";
import type { View } from "./view.ts";

export const spinnerMs = 100;

export const spinnerAt = ({ spinner }: Glyphs, ms: number): string =>
  spinner[Math.floor(ms / spinnerMs) % spinner.length] ?? "";

type Look = Pick<Layout, "colors" | "glyphs" | "now">;

/** Done tasks, and the done parts of running ones, in one colour, the other finished ones in red, the rest as a thin line. */
export function overallBar(view: View, look: Look, bar: number): string {
  const { colors, glyphs } = look;
  const wrong = view.failed + view.skipped;
  const progress = overallProgress(view);
  const filled = Math.round(progress * bar);
  // One failure in a thousand is still visible.
  const share = wrong / Math.max(1, view.total);
  const red = wrong === 0 ? 0 : Math.min(filled, Math.max(1, Math.round(share * bar)));
  const good = view.status === "done" && wrong === 0 ? colors.green : colors.bar;
  return (
    good(glyphs.full.repeat(filled - red)) +
    colors.red(glyphs.full.repeat(red)) +
    colors.track(glyphs.track.repeat(bar - filled))
  );
}

export function taskBar({ colors, glyphs }: Look, bar: number, progress: number): string {
  const halves = Math.round(Math.min(1, Math.max(0, progress)) * bar * 2);
  const full = halves >> 1;
  const half = halves % 2 === 1 ? glyphs.half : "";
  const rest = bar - full - half.length;
  return colors.bar(glyphs.full.repeat(full) + half) + colors.track(glyphs.track.repeat(rest));
}

/** A bar for unknown progress: a piece that moves to and fro. */
export function pulse({ colors, glyphs, now }: Look, bar: number, since: number): string {
  if (bar === 0) return "";
  const size = Math.max(2, Math.floor(bar / 5));
  const way = Math.max(1, bar - size);
  const phase = Math.floor(Math.max(0, now - since) / spinnerMs) % (2 * way);
  const at = phase < way ? phase : 2 * way - phase;
  return (
    colors.track(glyphs.track.repeat(at)) +
    colors.bar(glyphs.full.repeat(Math.min(size, bar - at))) +
    colors.track(glyphs.track.repeat(Math.max(0, bar - at - size)))
  );
}
