// How many tasks a lease has at once. Pure. They go to one machine, so it must not be long while others are idle.

type LeaseLoad = {
  /** Average duration of a task, ms; undefined until one has ended. */
  readonly averageMs: number | undefined;
  /** Tasks that run at once on all machines. */
  readonly slots: number;
  /** Tasks that are ready. */
  readonly ready: number;
};

const mostTasks = 128;
/** What a lease is worth, in time of one slot. */
const leaseMs = 50;
/** Longer tasks are leased one by one, and to idle slots only. */
const longMs = 200;

/** What a slot holds ahead, in time: a lease takes five trips through Redis, and each may take some ms. */
const aheadMs = 50;
/** Tasks that a machine holds do not go to another one: no more than 768 for each slot, however short they are. */
const mostPerSlot = 6;

/** How many leases a machine holds for each slot: the one that runs, and those ahead. */
export function leasesPerSlot(averageMs: number | undefined): number {
  if (averageMs === undefined || averageMs > longMs) return 1;
  const worthMs = Math.max(averageMs * mostTasks, aheadMs / mostPerSlot);
  return Math.max(2, Math.min(Math.ceil(aheadMs / worthMs), mostPerSlot));
}

export function leaseSize({ averageMs, slots, ready }: LeaseLoad): number {
  if (averageMs === undefined || averageMs > leaseMs) return 1;
  const worth = Math.floor(leaseMs / Math.max(averageMs, leaseMs / mostTasks));
  const share = Math.ceil(ready / Math.max(slots, 1));
  return Math.max(1, Math.min(worth, share, mostTasks));
}

/**
 * A lease gets further tasks for 1 s of time and of work: then leases of other runs that wait in the queue have their turn. Where
 * there are such runs, 1 s of time is enough: of the shortest tasks, 1 s of work takes many.
 */
const servedMs = 1_000;
/** On a machine that is very busy, 1 s of work takes long. */
const mostHeldMs = 10_000;

export function hasServed(lease: {
  /** Since it was claimed. */
  readonly heldMs: number;
  /** How many tasks it has had. */
  readonly served: number;
  readonly averageMs: number | undefined;
  /** Its machine works for other runs too. */
  readonly isShared: boolean;
}): boolean {
  const { heldMs, served, averageMs = Number.POSITIVE_INFINITY, isShared } = lease;
  if (heldMs < servedMs) return false;
  return isShared || heldMs >= mostHeldMs || served * averageMs >= servedMs;
}
