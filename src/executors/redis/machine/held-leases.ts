// The leases that a machine holds for one run: which of their tasks have not ended, and those that no thread has yet. Pure.

import { IdTable } from "../../../base/id-table.ts";
import type { TaskId } from "../../../protocol/ids.ts";
import type { Assignment } from "../../../protocol/messages.ts";

type Held = { left: number; readonly tasks: readonly Assignment[]; readonly ended: () => void };

export class HeldLeases {
  /** Granted, and not taken by a thread. */
  #queue: Assignment[] = [];
  readonly #leaseOf = new IdTable<TaskId, Held>();

  get isEmpty(): boolean {
    return this.#leaseOf.size === 0;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** @param ended called once all of these tasks have ended or were given back */
  add(tasks: readonly Assignment[], ended: () => void): void {
    const held = { left: tasks.length, tasks, ended };
    for (const task of tasks) {
      this.#leaseOf.set(task.id, held);
      this.#queue.push(task);
    }
  }

  /** As the run gave it, while it has not ended. */
  given(id: TaskId): Assignment | undefined {
    return this.#leaseOf.get(id)?.tasks.find((task) => task.id === id);
  }

  /** These tasks run already, and were given by an earlier session. */
  goOn(ids: readonly TaskId[], ended: () => void): void {
    const held = { left: ids.length, tasks: [], ended };
    for (const id of ids) this.#leaseOf.set(id, held);
    if (ids.length === 0) ended();
  }

  take(most: number): Assignment[] {
    return this.#queue.splice(0, most);
  }

  /** Takes back what no thread has. */
  takeAll(): Assignment[] {
    const all = this.#queue;
    this.#queue = [];
    return all;
  }

  /** These tasks have ended, or none of them will be run here. */
  end(ids: readonly TaskId[]): void {
    for (const id of ids) {
      const held = this.#leaseOf.delete(id);
      if (held !== undefined && --held.left === 0) held.ended();
    }
  }

  endAll(): void {
    this.#queue = [];
    this.end(this.#leaseOf.ids);
  }
}
