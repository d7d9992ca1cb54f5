// From times to pixels and back. The data has an axis of its own, with squeezed idle times; what is shown is a part of it, or more than
// it while new data is on its way.

import type { TimePiece, TimelineView } from "../../contract.ts";

/** In pixels. */
export type Point = { readonly x: number; readonly y: number };

export type Range = { readonly from: number; readonly to: number };

type Axis = Pick<TimelineView, "from" | "to" | "pieces">;

export class Scale {
  readonly width: number;
  readonly shown: Range;
  readonly #axis: Axis;
  readonly #left: number;
  readonly #share: number;

  /** @param width in pixels */
  constructor(axis: Axis, shown: Range, width: number) {
    this.width = width;
    this.shown = shown;
    this.#axis = axis;
    this.#left = this.#at(shown.from);
    this.#share = Math.max(this.#at(shown.to) - this.#left, 1e-12);
  }

  get pieces(): readonly TimePiece[] {
    return this.#axis.pieces;
  }

  /** Pixels; what is not shown is below 0, or beyond the width. */
  x(time: number): number {
    return this.ofPart(this.#at(time));
  }

  /** @param part of the data's axis, 0..1 */
  ofPart(part: number): number {
    return ((part - this.#left) / this.#share) * this.width;
  }

  /** Which part of the data's axis is at the pixel. */
  partAt(x: number): number {
    return this.#left + (x / this.width) * this.#share;
  }

  time(x: number): number {
    const part = this.partAt(x);
    const { from, to, pieces } = this.#axis;
    if (part < 0 || part > 1 || pieces.length === 0) return from + part * (to - from);
    const piece = pieces.find(({ at, width }) => part <= at + width) ?? pieces.at(-1);
    if (piece === undefined) return from;
    return piece.from + ((part - piece.at) / piece.width) * (piece.to - piece.from);
  }

  #at(time: number): number {
    const { from, to, pieces } = this.#axis;
    if (time <= from || time >= to) return (time - from) / Math.max(to - from, 1);
    const piece = pieces.find((each) => time < each.to);
    if (piece === undefined) return 1;
    return piece.at + ((time - piece.from) / (piece.to - piece.from)) * piece.width;
  }
}

/** The range, `factor` times as long, with the time at `center` where it is. Within the bounds, and 1 ms at least. */
export function zoomed(scale: Scale, center: number, factor: number, bounds: Range): Range {
  const from = scale.time(center - center * factor);
  const to = scale.time(center + (scale.width - center) * factor);
  return within({ from, to }, bounds);
}

/** @param pixels to the right: later times */
export function panned(scale: Scale, pixels: number, bounds: Range): Range {
  const { from, to } = scale.shown;
  const [later, least] = [scale.time(pixels), bounds.from];
  const most = Math.max(bounds.to - (to - from), least);
  const begin = Math.min(Math.max(later, least), most);
  return within({ from: begin, to: begin + (to - from) }, bounds);
}

function within({ from, to }: Range, bounds: Range): Range {
  const begin = Math.floor(Math.min(Math.max(from, bounds.from), bounds.to - 1));
  return { from: begin, to: Math.ceil(Math.max(Math.min(to, bounds.to), begin + 1)) };
}

const steps = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000,
  300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000, 86_400_000,
  172_800_000, 604_800_000,
];
const leastBetween = 84;

type Tick = { readonly x: number; readonly text: string };

/** @param first the run's: ticks tell how long it has run */
export function ticksOf(scale: Scale, first: number): readonly Tick[] {
  const ticks: Tick[] = [];
  for (const { from, to, isIdle } of scale.pieces) {
    if (isIdle) continue;
    const [left, right] = [Math.max(0, scale.x(from)), Math.min(scale.width, scale.x(to))];
    if (right <= left) continue;
    const msPerPixel = (scale.time(right - 0.01) - scale.time(left + 0.01)) / (right - left);
    const step = steps.find((each) => each >= msPerPixel * leastBetween) ?? 604_800_000;
    const begin = Math.ceil((scale.time(left) - first) / step - 1e-6) * step;
    for (let time = begin; ; time += step) {
      const x = scale.x(first + time);
      if (x > right || ticks.length > 100) break;
      if (x - (ticks.at(-1)?.x ?? -Infinity) >= leastBetween * 0.7)
        ticks.push({ x, text: elapsed(time, step) });
    }
  }
  return ticks;
}

const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");

/** `1.25 s`, `3:20`, `2:03:20`, `4 d 2:03:20`; with ms where the steps have them. */
function elapsed(ms: number, step: number): string {
  const decimals = step >= 1000 ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : 3;
  if (ms < 60_000)
    return step < 10 && ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(decimals)} s`;
  const seconds = ((ms % 60_000) / 1000)
    .toFixed(decimals)
    .padStart(decimals > 0 ? decimals + 3 : 2, "0");
  const minutes = (ms / 60_000) % 60;
  const hours = (ms / 3_600_000) % 24;
  const days = Math.floor(ms / 86_400_000);
  if (ms < 3_600_000) return `${Math.floor(minutes)}:${seconds}`;
  return `${days > 0 ? `${days} d ` : ""}${Math.floor(hours)}:${two(minutes)}:${seconds}`;
}
