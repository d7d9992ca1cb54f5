// What has come in and is not applied yet, one queue per Worker. While one Worker's unit is under way, only that
// Worker's posts are handed out: a unit that is larger than what fits into memory at once must not wait for others.

import type { Slot } from "../../protocol/ids.ts";

export class Inbox {
  readonly #queues = new Map<Slot, string[]>();
  #order: Slot[] = [];
  #turn = 0;
  #size = 0;

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  has(slot: Slot): boolean {
    return (this.#queues.get(slot)?.length ?? 0) > 0;
  }

  open(slot: Slot): void {
    this.#queues.set(slot, []);
    this.#order.push(slot);
  }

  /** What is left of it is dropped. */
  close(slot: Slot): void {
    this.#size -= this.#queues.get(slot)?.length ?? 0;
    this.#queues.delete(slot);
    this.#order = this.#order.filter((other) => other !== slot);
  }

  push(slot: Slot, post: string): void {
    const queue = this.#queues.get(slot);
    if (queue === undefined) return;
    queue.push(post);
    this.#size++;
  }

  /** The next post of `only`, or of whoever's turn it is. */
  shift(only: Slot | undefined): { readonly slot: Slot; readonly post: string } | undefined {
    if (only !== undefined) return this.#shiftFrom(only);
    for (let tried = 0; tried < this.#order.length; tried++) {
      this.#turn = (this.#turn + 1) % this.#order.length;
      const slot = this.#order[this.#turn];
      const found = slot === undefined ? undefined : this.#shiftFrom(slot);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #shiftFrom(slot: Slot): { readonly slot: Slot; readonly post: string } | undefined {
    // At most as many as a Worker has credits, so shifting an array is cheap.
    const post = this.#queues.get(slot)?.shift();
    if (post === undefined) return undefined;
    this.#size--;
    return { slot, post };
  }
}
