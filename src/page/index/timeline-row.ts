// One row of a timeline: each task of it while they are few, else how many ran in each part of the axis.

import type { SeenStatus, TimeBuckets, TimelineRow, TimeSpan } from "../contract.ts";
import type { TimeAxis } from "./time-axis.ts";

/** More tasks at once are shown by buckets. */
const maxLines = 24;

export type RowOwner = Pick<TimelineRow, "key" | "machine" | "thread">;

type Ran = {
  readonly id: number;
  readonly started: number;
  readonly ended: number;
  readonly status: SeenStatus;
};

export class RowBuilder {
  readonly #axis: TimeAxis;
  readonly #parts: number;
  #spans: Ran[] | undefined;
  #buckets: Buckets | undefined;
  #tasks = 0;
  #failed = 0;
  #busyMs = 0;

  /**
   * @param isFew each task is kept
   * @param parts of the axis
   */
  constructor(axis: TimeAxis, isFew: boolean, parts: number) {
    this.#axis = axis;
    this.#parts = parts;
    if (isFew) this.#spans = [];
    else this.#buckets = new Buckets(parts);
  }

  /** Not an object: there are a million of them. */
  add(id: number, started: number, ended: number, status: SeenStatus): void {
    const { from, to } = this.#axis;
    this.#tasks++;
    if (status === "error") this.#failed++;
    this.#busyMs += Math.min(ended, to) - Math.max(started, from);
    this.#spans?.push({ id, started, ended, status });
    this.#buckets?.add(started, ended, status, this.#axis);
  }

  row(who: RowOwner, all: number): TimelineRow {
    const about = { ...who, all, tasks: this.#tasks, failed: this.#failed, busyMs: this.#busyMs };
    const spans = this.#spans === undefined ? undefined : inLines(this.#spans);
    if (spans !== undefined) {
      const lines = spans.reduce((most, [, , , , line]) => Math.max(most, line + 1), 1);
      return { ...about, lines, spans, buckets: null };
    }
    const buckets = this.#buckets ?? new Buckets(this.#parts);
    for (const { started, ended, status } of this.#spans ?? [])
      buckets.add(started, ended, status, this.#axis);
    return { ...about, lines: 1, spans: null, buckets: buckets.packed };
  }
}

/** Undefined: too many at once. */
function inLines(tasks: readonly Ran[]): readonly TimeSpan[] | undefined {
  const ends: number[] = [];
  const spans: TimeSpan[] = [];
  for (const { id, started, ended, status } of tasks.toSorted((a, b) => a.started - b.started)) {
    const free = ends.findIndex((end) => end <= started);
    const line = free < 0 ? ends.length : free;
    if (line >= maxLines) return undefined;
    // Two of 0 ms at the same time are two.
    ends[line] = Math.max(ended, started + 1);
    spans.push([id, started, ended, status, line]);
  }
  return spans;
}

class Buckets {
  readonly #parts: number;
  /** Of those that begin or end within a bucket. */
  readonly #part: Float64Array;
  /** Changes from one bucket to the next. */
  readonly #whole: Int32Array;
  readonly #tasks: Int32Array;
  readonly #failed: Int32Array;
  readonly #running: Int32Array;
  #hasFailed = false;
  #hasRunning = false;

  constructor(parts: number) {
    this.#parts = parts;
    this.#part = new Float64Array(parts);
    this.#whole = new Int32Array(parts + 1);
    this.#tasks = new Int32Array(parts + 1);
    this.#failed = new Int32Array(parts + 1);
    this.#running = new Int32Array(parts + 1);
  }

  add(started: number, ended: number, status: SeenStatus, axis: TimeAxis): void {
    const from = axis.at(started) * this.#parts;
    const to = axis.at(ended) * this.#parts;
    const first = Math.min(Math.floor(from), this.#parts - 1);
    const last = Math.min(Math.floor(to), this.#parts - 1);
    if (first === last) this.#part[first] = (this.#part[first] ?? 0) + to - from;
    else {
      this.#part[first] = (this.#part[first] ?? 0) + first + 1 - from;
      this.#part[last] = (this.#part[last] ?? 0) + to - last;
      addRange(this.#whole, first + 1, last - 1);
    }
    addRange(this.#tasks, first, last);
    if (status === "error") {
      this.#hasFailed = true;
      addRange(this.#failed, first, last);
    } else if (status === "running" || status === "interrupted") {
      this.#hasRunning = true;
      addRange(this.#running, first, last);
    }
  }

  get packed(): TimeBuckets {
    const whole = summed(this.#whole);
    const tasks = summed(this.#tasks);
    const level = tasks.map((count, i) => {
      const hundredths = Math.round(100 * ((whole[i] ?? 0) + (this.#part[i] ?? 0)));
      return count > 0 ? Math.max(1, hundredths) : 0;
    });
    return {
      level,
      tasks,
      failed: this.#hasFailed ? summed(this.#failed) : null,
      running: this.#hasRunning ? summed(this.#running) : null,
    };
  }
}

function addRange(changes: Int32Array, first: number, last: number): void {
  if (last < first) return;
  changes[first] = (changes[first] ?? 0) + 1;
  changes[last + 1] = (changes[last + 1] ?? 0) - 1;
}

function summed(changes: Int32Array): number[] {
  let sum = 0;
  return Array.from(changes.subarray(0, -1), (change) => (sum += change));
}
