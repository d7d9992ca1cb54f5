// When tasks of a run ran, and when none did.

import { taskStatuses } from "../../protocol/status.ts";
import type { RunIndex } from "./run-index.ts";
import { noStatus, type TaskChunk, type TaskColumns } from "./task-columns.ts";
import type { Interval } from "./time-axis.ts";

const running = taskStatuses.indexOf("running");

/** Cells in which idle times are looked for. One that is shorter than a cell is not found. */
const cells = 20_000;

/** The end of the slot's task. @param openEnd that of a task that runs */
export function endOf(chunk: TaskChunk, slot: number, openEnd: number): number {
  const started = chunk.started[slot] ?? Number.NaN;
  const ended = chunk.status[slot] === running ? openEnd : (chunk.ended[slot] ?? Number.NaN);
  // Of a task that waits for its next attempt, the end is not kept.
  return Number.isNaN(ended) ? started : Math.max(started, ended);
}

/**
 * From the first start to the last end, or to `now` while tasks run. Undefined: nothing has begun.
 * @param now undefined: the process is gone, and the tasks that ran have no end
 */
export function extentAt(
  index: RunIndex,
  now: number | undefined,
): (Interval & { readonly isGrowing: boolean }) | undefined {
  const known = index.memo("extent", () => extentOf(index.columns));
  if (known === undefined) return undefined;
  const isGrowing = now !== undefined && index.memo("running", () => isAnyRunning(index));
  return { ...known, to: isGrowing ? Math.max(now, known.to) : known.to, isGrowing };
}

const isAnyRunning = ({ columns }: RunIndex): boolean =>
  columns.chunks.some(({ status }) => status.includes(running));

/** When none of its tasks ran. @param extent of the run */
export const idleIn = (index: RunIndex, extent: Interval): readonly Interval[] =>
  index.memo("idle", () => idleTimes(index.columns, extent, extent.to));

/** To the last end that is known. */
function extentOf({ chunks }: TaskColumns): Interval | undefined {
  let [from, to] = [Infinity, -Infinity];
  for (const chunk of chunks) {
    for (let slot = 0; slot < chunk.started.length; slot++) {
      const started = chunk.started[slot] ?? Number.NaN;
      if (Number.isNaN(started) || chunk.status[slot] === noStatus) continue;
      if (started < from) from = started;
      const end = endOf(chunk, slot, started);
      if (end > to) to = end;
    }
  }
  return from > to ? undefined : { from, to };
}

/** In the order of time. Between cells that no task touches, the edges are exact. */
function idleTimes(
  { chunks }: TaskColumns,
  { from, to }: Interval,
  openEnd: number,
): readonly Interval[] {
  const cellMs = Math.max((to - from) / cells, 1);
  const change = new Int32Array(cells + 2);
  const lastEnd = new Float64Array(cells + 1).fill(-Infinity);
  const firstStart = new Float64Array(cells + 1).fill(Infinity);
  const cellOf = (time: number): number =>
    Math.max(0, Math.min(cells, Math.floor((time - from) / cellMs)));
  for (const chunk of chunks) {
    for (let slot = 0; slot < chunk.started.length; slot++) {
      const started = chunk.started[slot] ?? Number.NaN;
      if (Number.isNaN(started)) continue;
      const end = endOf(chunk, slot, openEnd);
      const [first, last] = [cellOf(started), cellOf(end)];
      change[first] = (change[first] ?? 0) + 1;
      change[last + 1] = (change[last + 1] ?? 0) - 1;
      if (end > (lastEnd[last] ?? 0)) lastEnd[last] = end;
      if (started < (firstStart[first] ?? 0)) firstStart[first] = started;
    }
  }
  return idleBetween(change, lastEnd, firstStart);
}

function idleBetween(
  change: Int32Array,
  lastEnd: Float64Array,
  firstStart: Float64Array,
): readonly Interval[] {
  const idle: Interval[] = [];
  let [level, end, wasIdle] = [0, -Infinity, false];
  for (let cell = 0; cell < lastEnd.length; cell++) {
    level += change[cell] ?? 0;
    const isIdle = level === 0;
    if (wasIdle && !isIdle && end > -Infinity)
      idle.push({ from: end, to: firstStart[cell] ?? end });
    if (!isIdle) end = Math.max(end, lastEnd[cell] ?? end);
    wasIdle = isIdle;
  }
  return idle;
}
