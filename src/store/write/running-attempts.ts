// The running attempts, from `started` to `finished`. After a worker gives up an attempt, its function goes on. What that
// function still sends must not be committed beside the next attempt's rows.

import type { Failure } from "../../base/failure.ts";
import type { TaskId } from "../../protocol/ids.ts";

export class RunningAttempts {
  /** Without short tasks: their completions have no `started` record. */
  readonly #attempts = new Map<TaskId, number>();
  /** An undo log of the changes since the last commit. */
  #before: (readonly [id: TaskId, attempt: number | undefined])[] = [];

  start(id: TaskId, attempt: number): void {
    this.#before.push([id, this.#attempts.get(id)]);
    this.#attempts.set(id, attempt);
  }

  /** Whether the attempt may commit a unit. Its `started` record always precedes the unit. */
  isRunning(id: TaskId, attempt: number): boolean {
    return this.#attempts.get(id) === attempt;
  }

  /**
   * False if a later attempt of the task is running: then this one was given up, and its end does not count. The end of an
   * attempt also ends an earlier one, which was lost with its thread.
   */
  end(id: TaskId, attempt: number): boolean {
    if (this.#attempts.size === 0) return true;
    const running = this.#attempts.get(id);
    if (running === undefined) return true;
    if (running > attempt) return false;
    this.#before.push([id, running]);
    this.#attempts.delete(id);
    return true;
  }

  /** After the commit. */
  keep(): void {
    if (this.#before.length > 0) this.#before = [];
  }

  /** After a rollback: undoes the changes since the last commit. */
  revert(): void {
    for (const [id, attempt] of this.#before.toReversed()) {
      if (attempt === undefined) this.#attempts.delete(id);
      else this.#attempts.set(id, attempt);
    }
    this.#before = [];
  }
}

export const notRunning = (attempt: number): Failure => ({
  name: "TaskEndedError",
  message: `attempt ${attempt} of the task has ended: what it sends is not stored`,
});
