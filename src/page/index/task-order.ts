// Which tasks of a run are asked for, and in which order.

import { taskStatuses } from "../../protocol/status.ts";
import type { TaskSort } from "../contract.ts";
import { endOf } from "./run-times.ts";
import { noStatus, type TaskChunk, type TaskColumns } from "./task-columns.ts";

/** Undefined: any. */
export type TaskFilter = {
  /** Positions in `taskStatuses`. */
  readonly statuses: ReadonlySet<number> | undefined;
  /** Its number. -1: one that the run does not have. */
  readonly definitions: ReadonlySet<number> | undefined;
  /** -1: of those that have run, tasks whose worker is not known. */
  readonly worker: number | undefined;
  /** -1: the run's own. */
  readonly machine: number | undefined;
  /** Epoch ms: tasks that ran between them. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** Ids. */
  readonly found: ReadonlySet<number> | undefined;
};

type Order = { readonly sort: TaskSort; readonly isDescending: boolean };

/**
 * Ids. What has no value is last in both orders.
 * @param now for how long running tasks have taken. NaN: their process is gone, and nobody knows
 */
export function orderTasks(
  columns: TaskColumns,
  filter: TaskFilter,
  { sort, isDescending }: Order,
  now: number,
): Float64Array {
  const ids = new Float64Array(columns.size);
  const values = new Float64Array(columns.size);
  const without: number[] = [];
  let length = 0;
  const { from, to } = filter;
  const hasTime = from !== undefined || to !== undefined;
  for (const chunk of columns.chunks) {
    if (hasTime && !chunk.mayHave(from ?? -Infinity, to ?? Infinity)) continue;
    const valueOf = valuesIn(chunk, sort, now);
    for (let slot = 0; slot < chunk.status.length; slot++) {
      if (!isAsked(chunk, slot, filter, now)) continue;
      const value = valueOf(slot);
      if (Number.isNaN(value)) without.push(chunk.first + slot);
      else {
        ids[length] = chunk.first + slot;
        values[length++] = isDescending ? -value : value;
      }
    }
  }
  const ordered = new Float64Array(length + without.length);
  sortedPositions(values.subarray(0, length)).forEach((position, i) => {
    ordered[i] = ids[position] ?? 0;
  });
  ordered.set(without, length);
  return ordered;
}

/** -1: not known. */
const known = (value: number | undefined): number =>
  value === undefined || value < 0 ? Number.NaN : value;

const running = taskStatuses.indexOf("running");

function valuesIn(chunk: TaskChunk, sort: TaskSort, now: number): (slot: number) => number {
  switch (sort) {
    case "id":
      return (slot) => slot + chunk.first;
    case "duration":
      return (slot) =>
        chunk.status[slot] === running
          ? now - (chunk.started[slot] ?? Number.NaN)
          : chunk.durationMs(slot);
    case "started":
      return (slot) => chunk.started[slot] ?? Number.NaN;
    case "waited":
      return (slot) => known(chunk.waitedMs[slot]);
    case "rows":
      return (slot) => chunk.rows[slot] ?? Number.NaN;
    case "cpu":
      return (slot) => known(chunk.cpuMs[slot]);
    case "attempts":
      return (slot) => chunk.attempt[slot] ?? 0;
  }
}

function isAsked(chunk: TaskChunk, slot: number, filter: TaskFilter, now: number): boolean {
  const { statuses, definitions, worker, machine, from, to, found } = filter;
  const status = chunk.status[slot] ?? noStatus;
  if (status === noStatus || statuses?.has(status) === false) return false;
  if (definitions !== undefined && !definitions.has(chunk.definition[slot] ?? -1)) return false;
  if (worker !== undefined && chunk.worker[slot] !== worker) return false;
  // Nobody knows the worker of a task that has run. One that has not has none.
  if (worker === -1 && Number.isNaN(chunk.started[slot])) return false;
  if (machine !== undefined && chunk.machine[slot] !== machine) return false;
  if (found?.has(chunk.first + slot) === false) return false;
  if (from === undefined && to === undefined) return true;
  // As the timeline has them, whose ranges lead here.
  const ended = endOf(chunk, slot, Number.isNaN(now) ? Infinity : now);
  return (chunk.started[slot] ?? Number.NaN) <= (to ?? Infinity) && ended >= (from ?? -Infinity);
}

/** Of the values in ascending order; equal ones stay as they are. */
function sortedPositions(values: Float64Array): Float64Array {
  let [least, most, isWhole] = [Infinity, -Infinity, true];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
    isWhole &&= Number.isInteger(value);
  }
  const room = 2 ** Math.ceil(Math.log2(values.length + 1));
  if (!isWhole || (most - least + 1) * room > Number.MAX_SAFE_INTEGER) {
    const positions = Float64Array.from(values.keys());
    return positions.toSorted((a, b) => (values[a] ?? 0) - (values[b] ?? 0) || a - b);
  }
  // One number holds both, because a sort with a function takes ten times as long.
  return values
    .map((value, position) => (value - least) * room + position)
    .toSorted()
    .map((both) => both % room);
}
