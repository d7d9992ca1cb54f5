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
