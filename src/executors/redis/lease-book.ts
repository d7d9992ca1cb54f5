// The leases of a run: which wait in the queue, which machine holds the others, and which of their tasks no thread has yet. Pure.

import type { TaskId } from "../../protocol/ids.ts";
import type { Assignment } from "../../protocol/messages.ts";

export type Lease<Holder> = {
  readonly id: number;
  readonly tasks: readonly Assignment[];
  /** Tasks that no thread holds, as far as is known. */
  readonly unheld: Set<TaskId>;
  /** Undefined while it waits in the queue. */
  holder: Holder | undefined;
  /** Ticks since it was added to the queue. */
  age: number;
};

export class LeaseBook<Holder> {
  readonly #leases = new Map<number, Lease<Holder>>();
  readonly #leaseOf = new Map<TaskId, Lease<Holder>>();
  /** By holder; undefined: in the queue. */
  readonly #tallies = new Map<Holder | undefined, { leases: number; tasks: number }>();
  #lastId = 0;

  get isEmpty(): boolean {
    return this.#leases.size === 0;
  }

  /** Leases that have not ended, and their tasks. @param holder undefined: those that wait in the queue */
  tally(holder: Holder | undefined): { readonly leases: number; readonly tasks: number } {
    return this.#tallies.get(holder) ?? none;
  }

  #count(lease: Lease<Holder>, leases: 1 | -1): void {
    const before = this.tally(lease.holder);
    const tasks = before.tasks + leases * lease.tasks.length;
    this.#tallies.set(lease.holder, { leases: before.leases + leases, tasks });
  }

  add(tasks: readonly Assignment[]): Lease<Holder> {
    const id = ++this.#lastId;
    const unheld = new Set(tasks.map((task) => task.id));
    const lease: Lease<Holder> = { id, tasks, unheld, holder: undefined, age: 0 };
    this.#leases.set(id, lease);
    this.#count(lease, 1);
    for (const task of tasks) this.#leaseOf.set(task.id, lease);
    return lease;
  }

  /** False for a lease that somebody else has, or that has ended. */
  claim(id: number, holder: Holder): boolean {
    const lease = this.#leases.get(id);
    if (lease === undefined || lease.holder !== undefined) return false;
    this.#count(lease, -1);
    lease.holder = holder;
    this.#count(lease, 1);
    return true;
  }

  /** A thread holds these tasks now. */
  hold(ids: readonly TaskId[]): void {
    for (const id of ids) {
      this.#leaseOf.get(id)?.unheld.delete(id);
      this.#leaseOf.delete(id);
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

  /** @returns the tasks that no thread holds */
  end(lease: Lease<Holder>): readonly TaskId[] {
    if (!this.#leases.delete(lease.id)) return [];
    this.#count(lease, -1);
    if (this.tally(lease.holder).leases === 0) this.#tallies.delete(lease.holder);
    const left = [...lease.unheld];
    for (const id of left) this.#leaseOf.delete(id);
    return left;
  }
}

const none = { leases: 0, tasks: 0 };
