// When the tasks of a run ran, by their workers or definitions, for a window of time.

import { JSON } from "../../base/globals.ts";
import { taskStatuses } from "../../protocol/status.ts";
import type { SeenStatus, TimelineRow } from "../contract.ts";
import { type KeyAt, keysIn, orderedKeys, ownersOf } from "./row-owners.ts";
import { endOf, extentAt, idleIn } from "./run-times.ts";
import type { RunIndex } from "./run-index.ts";
import { noStatus, type TaskChunk } from "./task-columns.ts";
import { type Interval, TimeAxis } from "./time-axis.ts";
import { RowBuilder } from "./timeline-row.ts";

/** Tasks that are shown one by one. */
const maxSpans = 3_000;
const maxRows = 200;
/** Parts of the axis: two pixels each on a wide screen. Of many rows each has fewer: an answer stays below a megabyte. */
const [fineParts, coarseParts] = [1_200, 600];
const manyRows = 60;
const failed = taskStatuses.indexOf("error");

export type TimelineQuestion = {
  readonly by: "worker" | "definition";
  /** Undefined: from the first start, to the last end. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly isFailedOnly: boolean;
  readonly isSqueezed: boolean;
  /** The tasks that run: `running`, or `interrupted` where the process is gone. Those have no end. */
  readonly now: number;
  readonly isDead: boolean;
};

type Timeline = {
  readonly extent: Interval;
  readonly axis: TimeAxis;
  readonly rows: readonly TimelineRow[];
  readonly moreRows: number;
};

/** Undefined: nothing has begun. */
export function timelineOf(index: RunIndex, question: TimelineQuestion): Timeline | undefined {
  const extent = extentAt(index, question.isDead ? undefined : question.now);
  if (extent === undefined) return undefined;
  const make = (): Timeline => inWindow(index, question, extent);
  // A task that runs grows without any change of the file.
  const { now: _, ...asked } = question;
  return extent.isGrowing ? make() : index.memo(`timeline ${JSON.stringify(asked)}`, make);
}

function inWindow(index: RunIndex, question: TimelineQuestion, extent: Interval): Timeline {
  const from = question.from ?? extent.from;
  const window = { from, to: Math.max(question.to ?? extent.to, from) };
  const idle = question.isSqueezed ? idleIn(index, extent) : [];
  const axis = new TimeAxis(window, idle);
  const scan = new Scan(index, question, axis, extent.to);
  return { extent, axis, ...scan.rows() };
}

class Scan {
  readonly #index: RunIndex;
  readonly #question: TimelineQuestion;
  readonly #axis: TimeAxis;
  /** Of tasks that run. */
  readonly #openEnd: number;
  readonly #statuses: readonly SeenStatus[];
  readonly #keysIn: (chunk: TaskChunk) => KeyAt;

  constructor(index: RunIndex, question: TimelineQuestion, axis: TimeAxis, openEnd: number) {
    this.#index = index;
    this.#question = question;
    this.#axis = axis;
    this.#openEnd = openEnd;
    this.#keysIn = keysIn(question.by);
    this.#statuses = taskStatuses.map((status) =>
      status === "running" && question.isDead ? "interrupted" : status,
    );
  }

  /** Rows are those of the whole run: they stay where they are while a person zooms. */
  rows(): Pick<Timeline, "rows" | "moreRows"> {
    const { by, isFailedOnly } = this.#question;
    const all = this.#ofRun(isFailedOnly);
    // A worker is called the same, whichever rows are shown.
    const everyone = isFailedOnly ? this.#ofRun(false) : all;
    const owners = ownersOf(orderedKeys(everyone.keys(), by, this.#index), by, this.#index);
    const keys = [...owners.keys()].filter((key) => all.has(key));
    const isWhole = this.#question.from === undefined && this.#question.to === undefined;
    const shown = isWhole
      ? all
      : this.#count(this.#chunks(), (chunk, slot) => this.#isShown(chunk, slot));
    const builders = this.#builders(keys.slice(0, maxRows), shown);
    this.#fill(builders);
    const rows = [...builders].map(([key, builder]) => {
      const owner = owners.get(key);
      if (owner === undefined) throw new Error(`Internal error: row ${key} is nobody's`);
      return builder.row(owner, all.get(key) ?? 0);
    });
    return { rows, moreRows: keys.length - rows.length };
  }

  #ofRun(isFailedOnly: boolean): ReadonlyMap<number, number> {
    return this.#index.memo(`rows ${this.#question.by} ${isFailedOnly}`, () =>
      this.#count(
        this.#index.columns.chunks,
        (chunk, slot) => !isFailedOnly || chunk.status[slot] === failed,
      ),
    );
  }

  /** Without those in which nothing ran then. */
  #chunks(): readonly TaskChunk[] {
    const { from, to } = this.#axis;
    return this.#index.columns.chunks.filter((chunk) => chunk.mayHave(from, to));
  }

  /** By row. -1: the worker is not known. */
  #count(
    chunks: readonly TaskChunk[],
    isCounted: (chunk: TaskChunk, slot: number) => boolean,
  ): ReadonlyMap<number, number> {
    const counts = new Map<number, number>();
    let [last, count] = [Number.NaN, 0];
    for (const chunk of chunks) {
      const { started } = chunk;
      const keyAt = this.#keysIn(chunk);
      for (let slot = 0; slot < started.length; slot++) {
        if (Number.isNaN(started[slot]) || !isCounted(chunk, slot)) continue;
        const key = keyAt(slot);
        if (key !== last) {
          if (count > 0) counts.set(last, (counts.get(last) ?? 0) + count);
          [last, count] = [key, 0];
        }
        count++;
      }
    }
    if (count > 0) counts.set(last, (counts.get(last) ?? 0) + count);
    return counts;
  }

  #isShown(chunk: TaskChunk, slot: number): boolean {
    if (chunk.status[slot] === noStatus) return false;
    if (this.#question.isFailedOnly && chunk.status[slot] !== failed) return false;
    const { from, to } = this.#axis;
    return (chunk.started[slot] ?? 0) <= to && endOf(chunk, slot, this.#openEnd) >= from;
  }

  #builders(
    keys: readonly number[],
    counts: ReadonlyMap<number, number>,
  ): ReadonlyMap<number, RowBuilder> {
    let left = maxSpans;
    const few = new Set<number>();
    const byCount = keys.toSorted((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0));
    for (const key of byCount) {
      left -= counts.get(key) ?? 0;
      if (left < 0) break;
      few.add(key);
    }
    const parts = keys.length > manyRows ? coarseParts : fineParts;
    return new Map(keys.map((key) => [key, new RowBuilder(this.#axis, few.has(key), parts)]));
  }

  #fill(builders: ReadonlyMap<number, RowBuilder>): void {
    // Neighbours often are of one definition.
    let [key, builder] = [Number.NaN, builders.get(Number.NaN)];
    for (const chunk of this.#chunks()) {
      const { started, status } = chunk;
      const keyAt = this.#keysIn(chunk);
      for (let slot = 0; slot < started.length; slot++) {
        if (Number.isNaN(started[slot]) || !this.#isShown(chunk, slot)) continue;
        const next = keyAt(slot);
        if (next !== key) [key, builder] = [next, builders.get(next)];
        const ended = endOf(chunk, slot, this.#openEnd);
        const seen = this.#statuses[status[slot] ?? 0] ?? "done";
        builder?.add(chunk.first + slot, started[slot] ?? 0, ended, seen);
      }
    }
  }
}
