// The attempts that run, from `started` to `finished`. A Worker gives an attempt up and its function goes on; what such
// a function still sends must not be committed beside what the next attempt sends.

import type { Failure } from "../../base/failure.ts";
import type { TaskId } from "../../protocol/ids.ts";

export class RunningAttempts {
  /** Short tasks are not in here: their start is sent together with their end. */
  readonly #attempts = new Map<TaskId, number>();
  /** What ran before, for each change since the last commit: what is not committed is taken in again. */
  #before: (readonly [id: TaskId, attempt: number | undefined])[] = [];

  start(id: TaskId, attempt: number): void {
    this.#before.push([id, this.#attempts.get(id)]);
    this.#attempts.set(id, attempt);
  }

  /** Whether this attempt may commit a unit: its start is always sent before. */
  isRunning(id: TaskId, attempt: number): boolean {
    return this.#attempts.get(id) === attempt;
  }

  /**
   * False when a later attempt of the task runs: this one was given up, and its end counts no more. The end of a later one
   * ends an earlier one too, which was lost with its thread.
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

  /** What was taken in is committed. */
  keep(): void {
    if (this.#before.length > 0) this.#before = [];
  }

  /** What was taken in since the last commit never was. */
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
