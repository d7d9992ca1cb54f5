// The leases of a run: which wait in the queue, which machine holds the others, and which of their tasks no thread has yet. Pure.

import { IdTable } from "../../base/id-table.ts";
import type { TaskId } from "../../protocol/ids.ts";
import type { Assignment } from "../../protocol/messages.ts";
import type { TagSet } from "../../protocol/tags.ts";

export type Lease<Holder> = {
  readonly id: number;
  /** The tags that its first tasks ask for: the queue in which it waits. */
  readonly on: TagSet;
  /** Empty: its holder has ended all that it had. */
  readonly tasks: readonly Assignment[];
  /** How many tasks it has had. */
  readonly served: number;
  /** How many of its tasks no thread holds, as far as is known. */
  readonly unheld: number;
  /** Undefined while it waits in the queue. */
  readonly holder: Holder | undefined;
  /** Monotonic, ms: when it was claimed, or when its tasks had ended. */
  readonly claimedAt: number;
  readonly emptySince: number;
  /** When its holder got the tasks that it has now. */
  readonly filledAt: number;
  /** Ticks since it was added to the queue. */
  age: number;
  /** Its holder was asked to give back what has not begun. */
  isRecalled: boolean;
};

type Entry<Holder> = {
  -readonly [Key in keyof Lease<Holder>]: Lease<Holder>[Key];
};

type Tally = {
  /** Leases that have not ended. */
  readonly leases: number;
  /** Those of them that have no tasks. */
  readonly empty: number;
  /** Tasks of the others. */
  readonly tasks: number;
};

export class LeaseBook<Holder extends object> {
  readonly #leases = new Map<number, Entry<Holder>>();
  readonly #empty = new Set<Entry<Holder>>();
  /** Of tasks that no thread holds. One entry for each task is what the book costs: more of them can be seen in a profile. */
  readonly #leaseOf = new IdTable<TaskId, Entry<Holder>>();
  /** By holder; of those that wait, by queue. */
  readonly #tallies = new Map<Holder | TagSet, Tally>();
  #lastId = 0;
  #tasks = 0;

  /** No lease has tasks. */
  get isIdle(): boolean {
    return this.#leases.size === this.#empty.size;
  }

  /** Tasks of all leases. */
  get tasks(): number {
    return this.#tasks;
  }

  /** @param holder a set of tags: of those that wait in its queue */
  tally(holder: Holder | TagSet): Tally {
    return this.#tallies.get(holder) ?? none;
  }

  #count(lease: Entry<Holder>, sign: 1 | -1): void {
    const place = lease.holder ?? lease.on;
    const before = this.tally(place);
    const { length } = lease.tasks;
    this.#tasks += sign * length;
    const leases = before.leases + sign;
    if (leases === 0) return void this.#tallies.delete(place);
    this.#tallies.set(place, {
      leases,
      empty: before.empty + (length === 0 ? sign : 0),
      tasks: before.tasks + sign * length,
    });
  }

  add(tasks: readonly Assignment[], on: TagSet): Lease<Holder> {
    const id = ++this.#lastId;
    const lease: Entry<Holder> = {
      id,
      on,
      tasks: [],
      served: 0,
      unheld: 0,
      holder: undefined,
      claimedAt: 0,
      emptySince: 0,
      filledAt: 0,
      age: 0,
      isRecalled: false,
    };
    this.#leases.set(id, lease);
    this.#fill(lease, tasks);
    return lease;
  }

  #fill(lease: Entry<Holder>, tasks: readonly Assignment[]): void {
    lease.tasks = tasks;
    lease.isRecalled = false;
    lease.served += tasks.length;
    lease.unheld = tasks.length;
    this.#count(lease, 1);
    for (const task of tasks) this.#leaseOf.set(task.id, lease);
  }

  /** False for a lease that somebody else has, or that has ended. */
  claim(id: number, holder: Holder, now: number): boolean {
    const lease = this.#leases.get(id);
    if (lease === undefined || lease.holder !== undefined) return false;
    this.#count(lease, -1);
    lease.holder = holder;
    lease.claimedAt = now;
    lease.filledAt = now;
    this.#count(lease, 1);
    return true;
  }

  /** A thread holds these tasks now. */
  hold(ids: readonly TaskId[]): void {
    for (const id of ids) {
      const lease = this.#leaseOf.delete(id);
      // Its first holder may have lost it to another thread of the machine.
      if (lease !== undefined) lease.unheld--;
    }
  }

  get(id: number): Lease<Holder> | undefined {
    return this.#leases.get(id);
  }

  get waiting(): readonly Lease<Holder>[] {
    return [...this.#leases.values()].filter(({ holder }) => holder === undefined);
  }

  heldBy(holder: Holder): readonly Lease<Holder>[] {
    return [...this.#leases.values()].filter((lease) => lease.holder === holder);
  }

  /** Leases without tasks, whose holders wait for more; the one that waits longest first. */
  get empty(): Iterable<Lease<Holder>> {
    return this.#empty;
  }

  /**
   * Its holder has ended all of its tasks, or given them back.
   * @returns the tasks that no thread holds
   */
  exhaust({ id }: Lease<Holder>, now: number): readonly TaskId[] {
    const lease = this.#leases.get(id);
    if (lease === undefined || lease.tasks.length === 0) return [];
    this.#count(lease, -1);
    const left = this.#forget(lease);
    lease.tasks = [];
    lease.emptySince = now;
    this.#count(lease, 1);
    this.#empty.add(lease);
    return left;
  }

  /** The holder gives these tasks back, and goes on with the others. Where none are left, the end of the lease follows by itself. */
  drop(holder: Holder, ids: readonly TaskId[]): void {
    const dropped = new Set(ids);
    for (const { id } of this.heldBy(holder)) {
      const lease = this.#leases.get(id);
      const tasks = lease?.tasks.filter((task) => !dropped.has(task.id)) ?? [];
      if (lease === undefined || tasks.length === 0) continue;
      this.#count(lease, -1);
      lease.tasks = tasks;
      this.#count(lease, 1);
    }
  }

  /** Gives a lease without tasks others. */
  refill({ id }: Lease<Holder>, tasks: readonly Assignment[], now: number): void {
    const lease = this.#leases.get(id);
    if (lease === undefined || !this.#empty.delete(lease)) {
      throw new Error(`Internal error: lease ${id} has tasks, or has ended`);
    }
    this.#count(lease, -1);
    lease.filledAt = now;
    this.#fill(lease, tasks);
  }

  /** @returns the tasks that no thread holds */
  end({ id }: Lease<Holder>): readonly TaskId[] {
    const lease = this.#leases.get(id);
    if (lease === undefined) return [];
    this.#leases.delete(id);
    this.#empty.delete(lease);
    this.#count(lease, -1);
    return this.#forget(lease);
  }

  #forget(lease: Entry<Holder>): readonly TaskId[] {
    if (lease.unheld === 0) return [];
    const left = lease.tasks.flatMap(({ id }) => (this.#leaseOf.get(id) === lease ? [id] : []));
    for (const id of left) this.#leaseOf.delete(id);
    lease.unheld = 0;
    return left;
  }
}

const none: Tally = { leases: 0, empty: 0, tasks: 0 };
