// The numbers of a run's tasks in memory: 45 bytes a task, in chunks by id, because users can edit ids.

import { maxStoredId } from "../../protocol/ids.ts";
import { taskStatuses } from "../../protocol/status.ts";
import type { IdRange, TaskNumbers } from "../../store/read/task-scan.ts";

const chunkSize = 16_384;

/** Of a task that has no row, or one that cannot be read. */
export const noStatus = 255;

const maxRanges = 64;

const finalFrom = taskStatuses.indexOf("done");
const maxInt16 = 2 ** 15 - 1;
/** Larger numbers of one task are shown as this: 24 days. */
const maxInt32 = 2 ** 31 - 1;

/** The tasks `first` to `first + chunkSize - 1`. What is not known is NaN or -1. */
export class TaskChunk {
  readonly first: number;
  /** Positions in `taskStatuses`, or `noStatus`. */
  readonly status = new Uint8Array(chunkSize).fill(noStatus);
  /** 1: the task has ended and will not change in this session. */
  readonly isFinal = new Uint8Array(chunkSize);
  readonly definition = new Uint16Array(chunkSize);
  readonly worker = new Int16Array(chunkSize).fill(-1);
  /** -1: the run's own. */
  readonly machine = new Int16Array(chunkSize).fill(-1);
  readonly attempt = new Uint16Array(chunkSize);
  /** Epoch ms. */
  readonly started = new Float64Array(chunkSize).fill(Number.NaN);
  readonly ended = new Float64Array(chunkSize).fill(Number.NaN);
  readonly rows = new Float64Array(chunkSize).fill(Number.NaN);
  readonly cpuMs = new Int32Array(chunkSize).fill(-1);
  readonly waitedMs = new Int32Array(chunkSize).fill(-1);
  #earliest = Infinity;
  #latest = -Infinity;

  constructor(first: number) {
    this.first = first;
  }

  /** @param definition its number */
  set(slot: number, task: TaskNumbers, definition: number): void {
    const status = task.status ?? noStatus;
    this.status[slot] = status;
    this.isFinal[slot] = (status >= finalFrom && task.again !== 1) || status === noStatus ? 1 : 0;
    this.definition[slot] = definition;
    this.worker[slot] = smallInt(task.worker, maxInt16);
    this.machine[slot] = smallInt(task.machine, maxInt16);
    this.attempt[slot] = Math.min(Math.max(task.attempt, 0), 65_535);
    this.started[slot] = timeOf(task.started);
    this.ended[slot] = timeOf(task.ended);
    this.#extend(slot);
    this.rows[slot] = task.rows ?? Number.NaN;
    this.cpuMs[slot] = smallInt(task.cpu, maxInt32);
    this.waitedMs[slot] = smallInt(task.waited, maxInt32);
  }

  #extend(slot: number): void {
    const [started, ended] = [this.started[slot] ?? Number.NaN, this.ended[slot] ?? Number.NaN];
    if (Number.isNaN(started)) return;
    if (started < this.#earliest) this.#earliest = started;
    // It may run, or go on.
    const latest = Number.isNaN(ended) ? Infinity : Math.max(started, ended);
    if (latest > this.#latest) this.#latest = latest;
  }

  /** Whether tasks of it may have run then: those of near ids ran at near times. */
  mayHave(from: number, to: number): boolean {
    return this.#earliest <= to && this.#latest >= from;
  }

  /** How long its last attempt took. NaN: it has not ended, or it is not known. */
  durationMs(slot: number): number {
    const ms = (this.ended[slot] ?? Number.NaN) - (this.started[slot] ?? Number.NaN);
    // A clock may be set back.
    return ms < 0 ? 0 : ms;
  }
}

const smallInt = (value: number | null, most: number): number =>
  value === null || value < 0 ? -1 : Math.min(value, most);

/** `julianday` takes a number for a day. */
const timeOf = (ms: number | null): number =>
  ms === null || Math.abs(ms) > 8.64e15 ? Number.NaN : ms;

export class TaskColumns {
  readonly #maxChunks: number;
  readonly #byNumber = new Map<number, TaskChunk>();
  /** In the order of the ids. */
  #chunks: readonly TaskChunk[] = [];
  #size = 0;
  #highest = 0;
  /** There are rows whose ids or states are none, or that are too many. */
  isCut = false;

  constructor(maxChunks: number) {
    this.#maxChunks = maxChunks;
  }

  get chunks(): readonly TaskChunk[] {
    return this.#chunks;
  }

  /** How many tasks it has. */
  get size(): number {
    return this.#size;
  }

  /** The highest id. */
  get highest(): number {
    return this.#highest;
  }

  set(task: TaskNumbers, definition: number): void {
    const chunk = Number.isInteger(task.task) ? this.#chunkOf(task.task) : undefined;
    if (chunk === undefined) {
      this.isCut = true;
      return;
    }
    const slot = task.task - chunk.first;
    const before = Number(chunk.status[slot] !== noStatus);
    chunk.set(slot, task, definition);
    this.#highest = Math.max(this.#highest, task.task);
    const now = Number(chunk.status[slot] !== noStatus);
    this.#size += now - before;
    if (now === 0) this.isCut = true;
  }

  find(id: number): { readonly chunk: TaskChunk; readonly slot: number } | undefined {
    const chunk = this.#byNumber.get(Math.floor((id - 1) / chunkSize));
    return chunk === undefined ? undefined : { chunk, slot: id - chunk.first };
  }

  #chunkOf(id: number): TaskChunk | undefined {
    const number = Math.floor((id - 1) / chunkSize);
    const known = this.#byNumber.get(number);
    if (known !== undefined) return known;
    if (this.#byNumber.size >= this.#maxChunks) return undefined;
    const chunk = new TaskChunk(number * chunkSize + 1);
    this.#byNumber.set(number, chunk);
    this.#chunks = [...this.#chunks, chunk].toSorted((a, b) => a.first - b.first);
    return chunk;
  }

  /**
   * The ids that may change, or that have no row yet: at most 64 ranges, and the last one has no end. Where there are more, the
   * smallest gaps between them are closed.
   */
  openRanges(): readonly IdRange[] {
    const ranges = this.#allOpen();
    if (ranges.length <= maxRanges) return ranges;
    const gaps = ranges.map(([from], i) => from - (ranges[i - 1]?.[1] ?? from));
    const sorted = Float64Array.from(gaps).toSorted();
    const least = sorted[sorted.length - (maxRanges - 1)] ?? Infinity;
    let equal = maxRanges - 1 - sorted.filter((gap) => gap > least).length;
    const merged: [number, number][] = [];
    for (const [i, [from, to]] of ranges.entries()) {
      const gap = gaps[i] ?? 0;
      const last = merged.at(-1);
      if (last === undefined || gap > least || (gap === least && equal-- > 0))
        merged.push([from, to]);
      else last[1] = to;
    }
    return merged;
  }

  #allOpen(): readonly IdRange[] {
    const ranges: IdRange[] = [];
    let open = 1;
    for (const { first, isFinal } of this.#chunks) {
      for (let slot = isFinal.indexOf(1); slot >= 0; slot = isFinal.indexOf(1, slot + 1)) {
        if (first + slot > open) ranges.push([open, first + slot - 1]);
        const next = isFinal.indexOf(0, slot);
        slot = next < 0 ? chunkSize : next;
        open = first + slot;
      }
    }
    ranges.push([open, maxStoredId]);
    return ranges;
  }
}
