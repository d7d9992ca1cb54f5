// The axis of a timeline: from times to 0..1. Times when nothing ran are squeezed: a run that was continued a week later is two short
// sessions, and everything else would be one pixel.

import type { TimePiece } from "../contract.ts";

export type Interval = { readonly from: number; readonly to: number };

/** On the axis. */
const idleWidth = 0.02;
const maxIdle = 15;
/** An idle time that takes less of the axis is left as it is: that nothing ran is worth seeing. */
const leastIdle = 0.25;

export class TimeAxis {
  readonly from: number;
  readonly to: number;
  readonly pieces: readonly TimePiece[];

  /** @param idle in the order of time, without overlaps; empty: nothing is squeezed */
  constructor({ from, to }: Interval, idle: readonly Interval[]) {
    this.from = from;
    // A window of no width would divide by 0.
    this.to = Math.max(to, from + 1);
    this.pieces = piecesOf(this, squeezedOf(this, idle));
  }

  /** 0..1; what is before or after is at the edge. */
  at(time: number): number {
    if (time <= this.from) return 0;
    // Most often nothing is squeezed, and there are a million times.
    if (this.pieces.length === 1) return Math.min((time - this.from) / (this.to - this.from), 1);
    for (const { from, to, at, width } of this.pieces)
      if (time < to) return at + (width * (time - from)) / (to - from);
    return 1;
  }
}

/** The longest ones first: beside a week, an hour is nothing; without the week, it may be all. */
function squeezedOf({ from, to }: Interval, idle: readonly Interval[]): readonly Interval[] {
  const inside = idle
    .map((gap) => ({ from: Math.max(gap.from, from), to: Math.min(gap.to, to) }))
    .filter((gap) => gap.to > gap.from)
    .toSorted((a, b) => b.to - b.from - (a.to - a.from));
  const squeezed: Interval[] = [];
  let left = to - from;
  for (const gap of inside) {
    const length = gap.to - gap.from;
    if (squeezed.length >= maxIdle || length < leastIdle * left) break;
    squeezed.push(gap);
    left -= length;
  }
  return squeezed.toSorted((a, b) => a.from - b.from);
}

function piecesOf({ from, to }: Interval, squeezed: readonly Interval[]): readonly TimePiece[] {
  const idleMs = squeezed.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  const busyMs = to - from - idleMs;
  // Where nothing ran at all there is one idle time, and it is the whole axis.
  const idleShare = busyMs > 0 ? idleWidth : 1 / squeezed.length;
  const perMs = busyMs > 0 ? (1 - squeezed.length * idleShare) / busyMs : 0;
  const pieces: TimePiece[] = [];
  let [time, at] = [from, 0];
  const add = (until: number, width: number, isIdle: boolean): void => {
    if (until > time) pieces.push({ from: time, to: until, at, width, isIdle });
    [time, at] = [Math.max(time, until), at + width];
  };
  for (const gap of squeezed) {
    add(gap.from, (gap.from - time) * perMs, false);
    add(gap.to, idleShare, true);
  }
  add(to, (to - time) * perMs, false);
  return pieces;
}
