// The tasks that are dispatched and not committed, by id.

import { IdTable } from "../base/id-table.ts";
import type { TaskId } from "../protocol/ids.ts";
import type { TaskVertex } from "../plan/vertex.ts";

export class InFlight implements Iterable<TaskVertex> {
  readonly #vertices = new IdTable<TaskVertex["id"], TaskVertex>();
  #chars = 0;

  get size(): number {
    return this.#vertices.size;
  }

  /** Characters of the tasks' inputs, added up. */
  get chars(): number {
    return this.#chars;
  }

  get(id: TaskId): TaskVertex | undefined {
    return this.#vertices.get(id);
  }

  /** @param vertex has an id that no other vertex in the table has; its input text stays as it is while it is in flight */
  add(vertex: TaskVertex): void {
    this.#vertices.set(vertex.id, vertex);
    this.#chars += vertex.inputText.length;
  }

  delete(id: TaskId): void {
    const deleted = this.#vertices.delete(id);
    if (deleted !== undefined) this.#chars -= deleted.inputText.length;
  }

  /** Iterates over a copy: a vertex that is deleted meanwhile is still visited. */
  [Symbol.iterator](): Iterator<TaskVertex> {
    return this.#vertices.values.values();
  }
}
