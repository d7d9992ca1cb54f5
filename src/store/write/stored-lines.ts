// Log lines of attempts that go on in another session than the one that has begun them: their machine sends again what was not
// acknowledged, and some of it may have been stored.

import type { TaskId } from "../../protocol/ids.ts";
import type { TaskRecord } from "../../protocol/writer-records.ts";

type Line = Pick<Extract<TaskRecord, { type: "log" }>, "id" | "attempt" | "number">;

export class StoredLines {
  readonly #stored = new Map<TaskId, { readonly attempt: number; readonly count: number }>();

  /** So many lines of the attempt were stored when it went on. */
  add(id: TaskId, attempt: number, count: number): void {
    this.#stored.set(id, { attempt, count });
  }

  has({ id, attempt, number }: Line): boolean {
    if (this.#stored.size === 0 || number === undefined) return false;
    const stored = this.#stored.get(id);
    return stored?.attempt === attempt && number <= stored.count;
  }
}
