// Positions on their way (plan/positions.ts): as two small numbers each, because JSON writes and reads those several times faster
// than one of 46 bits.

import { numberAt } from "./packed-text.ts";

const split = 2 ** 24;

/** A list for this many tasks whose positions are their ids. */
export const noPositions = (tasks: number): number[] => Array.from({ length: 2 * tasks }, () => 0);

/** @param position undefined: it is the task's id */
export function addPosition(list: number[], position = 0): void {
  list.push(Math.floor(position / split), position % split);
}

/** Undefined where it is the task's id. */
export function positionAt(list: readonly number[] | null, task: number): number | undefined {
  if (list === null) return undefined;
  return numberAt(list, 2 * task) * split + numberAt(list, 2 * task + 1) || undefined;
}
