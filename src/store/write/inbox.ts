// Messages that have arrived and are not applied yet: one queue per sender, served in turn (round robin). While a unit of
// one sender is open, only that sender is served: a unit larger than memory must not wait for others.

export type Received<Sender> = { readonly from: Sender; readonly text: string };

export class Inbox<Sender> {
  readonly #queues = new Map<Sender, string[]>();
  #order: Sender[] = [];
  #turn = 0;
  #size = 0;

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  has(sender: Sender): boolean {
    return (this.#queues.get(sender)?.length ?? 0) > 0;
  }

  open(sender: Sender): void {
    this.#queues.set(sender, []);
    this.#order.push(sender);
  }

  /** Drops what is left in the sender's queue. */
  close(sender: Sender): void {
    this.#size -= this.#queues.get(sender)?.length ?? 0;
    this.#queues.delete(sender);
    this.#order = this.#order.filter((other) => other !== sender);
  }

  /** Ignored for a sender that is not open. */
  push(sender: Sender, text: string): void {
    const queue = this.#queues.get(sender);
    if (queue === undefined) return;
    queue.push(text);
    this.#size++;
  }

  /** The next message of `only`, or of the next sender in turn. */
  shift(only: Sender | undefined): Received<Sender> | undefined {
    if (only !== undefined) return this.#shiftFrom(only);
    for (let tried = 0; tried < this.#order.length; tried++) {
      this.#turn = (this.#turn + 1) % this.#order.length;
      const sender = this.#order[this.#turn];
      const found = sender === undefined ? undefined : this.#shiftFrom(sender);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #shiftFrom(from: Sender): Received<Sender> | undefined {
    // Credits bound the queue, so shifting an array is cheap.
    const text = this.#queues.get(from)?.shift();
    if (text === undefined) return undefined;
    this.#size--;
    return { from, text };
  }
}
