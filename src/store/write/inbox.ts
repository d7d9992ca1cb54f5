// What has come in and is not applied yet, one queue per Worker. While one Worker's unit is under way, only that
// Worker's posts are handed out: a unit that is larger than what fits into memory at once must not wait for others.

import type { WorkerId } from "../../protocol/ids.ts";

export class Inbox {
  readonly #queues = new Map<WorkerId, string[]>();
  #order: WorkerId[] = [];
  #turn = 0;
  #size = 0;

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  has(workerId: WorkerId): boolean {
    return (this.#queues.get(workerId)?.length ?? 0) > 0;
  }

  open(workerId: WorkerId): void {
    this.#queues.set(workerId, []);
    this.#order.push(workerId);
  }

  /** What is left of it is dropped. */
  close(workerId: WorkerId): void {
    this.#size -= this.#queues.get(workerId)?.length ?? 0;
    this.#queues.delete(workerId);
    this.#order = this.#order.filter((other) => other !== workerId);
  }

  push(workerId: WorkerId, post: string): void {
    const queue = this.#queues.get(workerId);
    if (queue === undefined) return;
    queue.push(post);
    this.#size++;
  }

  /** The next post of `only`, or of whoever's turn it is. */
  shift(
    only: WorkerId | undefined,
  ): { readonly workerId: WorkerId; readonly post: string } | undefined {
    if (only !== undefined) return this.#shiftFrom(only);
    for (let tried = 0; tried < this.#order.length; tried++) {
      this.#turn = (this.#turn + 1) % this.#order.length;
      const workerId = this.#order[this.#turn];
      const found = workerId === undefined ? undefined : this.#shiftFrom(workerId);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #shiftFrom(
    workerId: WorkerId,
  ): { readonly workerId: WorkerId; readonly post: string } | undefined {
    // At most as many as a Worker has credits, so shifting an array is cheap.
    const post = this.#queues.get(workerId)?.shift();
    if (post === undefined) return undefined;
    this.#size--;
    return { workerId, post };
  }
}
