// Long results of a resumed run that are still in the file. They are read a few at a time, while few tasks are ready: a
// result makes tasks ready, and these hold it in memory until they have run.

import type { TaskId } from "../protocol/ids.ts";
import type { TaskVertex } from "../plan/vertex.ts";

const askedAtOnce = 32;

export class StoredResults {
  readonly #ask: (ids: readonly TaskId[]) => void;
  /** In order of arrival, from `#next` on. */
  #waiting: TaskVertex[] = [];
  #next = 0;
  readonly #asked = new Map<TaskId, TaskVertex>();

  constructor(ask: (ids: readonly TaskId[]) => void) {
    this.#ask = ask;
  }

  get size(): number {
    return this.#waiting.length - this.#next + this.#asked.size;
  }

  /** The writer has been asked and has not answered. */
  get isAsked(): boolean {
    return this.#asked.size > 0;
  }

  /** @param vertex is identified, and its result is wanted */
  add(vertex: TaskVertex): void {
    this.#waiting.push(vertex);
  }

  /** Asks for the next results, unless the writer still has to answer. */
  askMore(): void {
    if (this.isAsked || this.#next === this.#waiting.length) return;
    const next = this.#waiting.slice(this.#next, this.#next + askedAtOnce);
    this.#next += next.length;
    if (this.#next === this.#waiting.length) {
      this.#waiting = [];
      this.#next = 0;
    }
    for (const vertex of next) this.#asked.set(vertex.id as TaskId, vertex);
    this.#ask([...this.#asked.keys()]);
  }

  /** The writer has answered for this task. */
  take(id: TaskId): TaskVertex {
    const vertex = this.#asked.get(id);
    if (vertex === undefined)
      throw new Error(`Internal error: nobody asked for the result of ${id}`);
    this.#asked.delete(id);
    return vertex;
  }
}
