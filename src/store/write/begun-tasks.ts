// The tasks that have begun in a session that passes reruns on: what a worker sends of a task may overtake what main says of it.

import type { TaskId } from "../../protocol/ids.ts";

export class BegunTasks {
  readonly #ids = new Set<TaskId>();
  /** Those of the transaction. */
  #fresh: TaskId[] = [];
  /** Of them it was said only after they had begun that they run again. */
  overtaking: TaskId[] = [];

  add(id: TaskId): void {
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    this.#fresh.push(id);
  }

  has(id: TaskId): boolean {
    return this.#ids.has(id);
  }

  committed(): void {
    this.#fresh = [];
  }

  discard(): void {
    for (const id of this.#fresh) this.#ids.delete(id);
    this.#fresh = [];
  }
}
