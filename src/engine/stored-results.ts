// Long results that are in the file, and that someone reads. They come to main a few at a time, while few tasks are ready:
// a result makes tasks ready, and these hold it in memory until they have run.

import { Fifo } from "../base/fifo.ts";
import type { TaskId } from "../protocol/ids.ts";
import type { TaskVertex } from "../plan/vertex.ts";

/** Characters of the results that are asked for at once. The writer answers in one turn. */
const maxAskedChars = 1024 * 1024;
const maxAsked = 256;
/** EMA factor of the average length of these results. */
const averageFactor = 1 / 16;

export class StoredResults {
  readonly #ask: (ids: readonly TaskId[]) => void;
  /** In order of arrival. */
  readonly #waiting = new Fifo<TaskVertex>();
  readonly #asked = new Map<TaskId, TaskVertex>();
  /** Average length of a result, in characters. At first a guess. */
  #averageChars = 64 * 1024;

  constructor(ask: (ids: readonly TaskId[]) => void) {
    this.#ask = ask;
  }

  get size(): number {
    return this.#waiting.size + this.#asked.size;
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
    if (this.isAsked || this.#waiting.size === 0) return;
    const count = Math.min(Math.ceil(maxAskedChars / this.#averageChars), maxAsked);
    while (this.#asked.size < count) {
      const vertex = this.#waiting.shift();
      if (vertex === undefined) break;
      this.#asked.set(vertex.id as TaskId, vertex);
    }
    this.#ask([...this.#asked.keys()]);
  }

  /** The writer has answered for this task, with a result of so many characters. */
  take(id: TaskId, chars: number): TaskVertex {
    const vertex = this.#asked.get(id);
    if (vertex === undefined)
      throw new Error(`Internal error: nobody asked for the result of ${id}`);
    this.#asked.delete(id);
    this.#averageChars += (chars - this.#averageChars) * averageFactor;
    return vertex;
  }
}
