// How many tasks a worker holds ahead of its slots, so that it does not wait for main between two tasks. Pure.

import { maxBatchSize } from "../../protocol/shared/claims.ts";

export type Load = {
  readonly slots: number;
  /** Tasks assigned and not reported as ended. */
  readonly outstanding: number;
  /** Average duration of the worker's tasks, in ms; undefined until the first has ended. */
  readonly averageMs: number | undefined;
};

/** Prefetch target: about 25 ms of work per worker. A worker reports ended tasks every 10 ms at most. */
const aheadMs = 25;
/** Tasks longer than this are not prefetched: the round trip to main is less than a percent of their duration. */
const longMs = 200;
/** Tasks of `shortMs` to `longMs`. */
const fewAhead = 8;
/** Tasks up to `shortMs`. */
const shortMs = 2;
const mostAhead = 1000;
/** EMA factor per report. */
const averageFactor = 0.5;

export const averageOf = (beforeMs: number | undefined, sampleMs: number): number =>
  beforeMs === undefined ? sampleMs : beforeMs * (1 - averageFactor) + sampleMs * averageFactor;

/** Prefetched tasks do not wait behind a long one: an idle worker gets them (`moveSize`). */
export function aheadOf({ averageMs, slots }: Pick<Load, "averageMs" | "slots">): number {
  if (averageMs === undefined || averageMs > longMs) return 0;
  const tasks = Math.ceil(aheadMs / Math.max(averageMs, 0.001));
  if (averageMs > shortMs) return Math.min(Math.max(slots, tasks), fewAhead);
  return Math.min(tasks, mostAhead);
}

export const idleSlots = ({ slots, outstanding }: Load): number => Math.max(slots - outstanding, 0);

/**
 * How many tasks to ask for. 0 while the worker holds more than half of its target: small batches cost more than they
 * give.
 * @param share the worker's part of all ready tasks
 */
export function topUpSize(load: Load, share: number): number {
  const ahead = aheadOf(load);
  const room = load.slots + ahead - load.outstanding;
  if (room <= 0 || room < ahead / 2) return 0;
  return Math.min(room, Math.max(share, idleSlots(load)), maxBatchSize);
}

/**
 * How many tasks an idle worker gets from another one.
 * @param waiting unclaimed tasks of the other worker, beyond what its own slots have room for
 */
export function moveSize(load: Load, waiting: number): number {
  const room = Math.max(idleSlots(load), aheadOf(load));
  return Math.min(Math.ceil(waiting / 2), room, maxBatchSize);
}
