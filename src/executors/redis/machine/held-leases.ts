// The leases that a machine holds for one run: which of their tasks have not ended, and those that no thread has yet. Pure.

import type { TaskId } from "../../../protocol/ids.ts";
import type { Assignment } from "../../../protocol/messages.ts";

type Held = { left: number; readonly ended: () => void };

export class HeldLeases {
  /** Granted, and not taken by a thread. */
  #queue: Assignment[] = [];
  readonly #leaseOf = new Map<TaskId, Held>();

  get isEmpty(): boolean {
    return this.#leaseOf.size === 0;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** @param ended called once all of these tasks have ended or were given back */
  add(tasks: readonly Assignment[], ended: () => void): void {
    const held = { left: tasks.length, ended };
    for (const task of tasks) {
      this.#leaseOf.set(task.id, held);
      this.#queue.push(task);
    }
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
      const held = this.#leaseOf.get(id);
      if (held === undefined) continue;
      this.#leaseOf.delete(id);
      if (--held.left === 0) held.ended();
    }
  }

  endAll(): void {
    this.#queue = [];
    this.end([...this.#leaseOf.keys()]);
  }
}
