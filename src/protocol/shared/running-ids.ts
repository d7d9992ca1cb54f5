// Which task runs in each slot of a worker. The worker writes it; main reads it when the worker is lost, and the writer
// reads it to decide when to commit.

import type { TaskId } from "../ids.ts";

const idle = 0;

export class RunningIds {
  readonly #cells: Int32Array;

  /** @param cells one for each slot: a task's id, or 0 while the slot is idle */
  constructor(cells: Int32Array) {
    this.#cells = cells;
  }

  set(slot: number, id: TaskId): void {
    this.#cells[slot] = id;
  }

  clear(slot: number): void {
    this.#cells[slot] = idle;
  }

  get slots(): number {
    return this.#cells.length;
  }

  /** No slot is idle. */
  get isBusy(): boolean {
    return !this.#cells.includes(idle);
  }

  list(): TaskId[] {
    return [...this.#cells].filter((id) => id !== idle) as TaskId[];
  }
}
