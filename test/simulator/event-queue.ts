// Future events of one virtual thread: a binary heap by time, then by order of scheduling.

export type Event = {
  at: number;
  readonly order: number;
  readonly work: () => void;
  /** False for a timer that does not keep the process alive (`unref`). */
  isVital: boolean;
  /** The event is pending. */
  isWaiting: boolean;
};

export const isBefore = (a: Event | undefined, b: Event | undefined): boolean =>
  a !== undefined && b !== undefined && (a.at < b.at || (a.at === b.at && a.order < b.order));

export class EventQueue {
  readonly #heap: Event[] = [];

  /** The first event that is not cancelled. */
  get first(): Event | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.isWaiting) return first;
      this.#removeFirst();
    }
    return undefined;
  }

  *[Symbol.iterator](): Generator<Event> {
    for (const event of this.#heap) if (event.isWaiting) yield event;
  }

  push(event: Event): void {
    const heap = this.#heap;
    heap.push(event);
    for (let child = heap.length - 1; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!isBefore(heap[child], heap[parent])) return;
      swap(heap, child, parent);
      child = parent;
    }
  }

  shift(): Event | undefined {
    const { first } = this;
    if (first !== undefined) this.#removeFirst();
    return first;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let parent = 0; ;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (isBefore(heap[child], heap[least])) least = child;
      }
      if (least === parent) return;
      swap(heap, least, parent);
      parent = least;
    }
  }
}

function swap(heap: Event[], a: number, b: number): void {
  const left = heap[a];
  const right = heap[b];
  if (left === undefined || right === undefined) return;
  heap[a] = right;
  heap[b] = left;
}
