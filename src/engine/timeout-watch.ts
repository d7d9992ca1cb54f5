// Tasks whose time is up and that have not ended: their Worker may be stuck in a loop that no message reaches.

import type { TaskId } from "../protocol/ids.ts";

export class TimeoutWatch {
  readonly #graceMs: number;
  readonly #overdue: (id: TaskId) => void;
  readonly #timers = new Map<TaskId, ReturnType<typeof setTimeout>>();

  /** @param graceMs how long after its timeout a task may take to listen to its signal */
  constructor(graceMs: number, overdue: (id: TaskId) => void) {
    this.#graceMs = graceMs;
    this.#overdue = overdue;
  }

  /** @param deadline epoch ms */
  watch(id: TaskId, deadline: number): void {
    this.forget(id);
    const wait = Math.max(deadline - Date.now(), 0) + this.#graceMs;
    this.#timers.set(
      id,
      setTimeout(() => this.#due(id), Math.min(wait, 2 ** 31 - 1)),
    );
  }

  forget(id: TaskId): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  clear(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #due(id: TaskId): void {
    this.#timers.delete(id);
    this.#overdue(id);
  }
}
