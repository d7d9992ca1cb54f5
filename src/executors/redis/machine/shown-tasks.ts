// The tasks of one run that run on this machine, as their records tell. Pure.

import type { TaskId } from "../../../protocol/ids.ts";
import type { ShownRecord, TaskNews } from "./task-news.ts";

/** With what its thread masks, as it is stored. */
export type ShownTask = {
  readonly id: TaskId;
  readonly name: string;
  readonly label: string | undefined;
  readonly input: string | undefined;
  readonly attempt: number;
  /** By this machine's clock, epoch ms. */
  readonly startedAt: number;
  /** 0..1; undefined if it has reported none. */
  readonly progress: number | undefined;
  readonly message: string | undefined;
};

export class ShownTasks {
  readonly #clockAheadMs: number;
  readonly #tasks = new Map<TaskId, ShownTask>();

  /** @param clockAheadMs see ExecutorsOptions: times of records are those of the run */
  constructor(clockAheadMs: number) {
    this.#clockAheadMs = clockAheadMs;
  }

  /** In the order in which they began. */
  get all(): readonly ShownTask[] {
    return [...this.#tasks.values()];
  }

  add({ ended, shown }: Pick<TaskNews, "ended" | "shown">): void {
    for (const record of shown) this.#show(record);
    if (this.#tasks.size > 0) for (const id of ended) this.#tasks.delete(id);
  }

  #show(record: ShownRecord): void {
    if (record.type === "started") {
      const { id, name, label, input, attempt, at } = record;
      const startedAt = at + this.#clockAheadMs;
      const none = { progress: undefined, message: undefined };
      this.#tasks.set(id, { id, name, label, input, attempt, startedAt, ...none });
      return;
    }
    const task = this.#tasks.get(record.id);
    if (task === undefined) return;
    const { progress, message = task.message } = record;
    this.#tasks.set(record.id, { ...task, progress, message });
  }
}
