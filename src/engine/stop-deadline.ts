// How long a run that is told to stop waits for its tasks, and then for its writer.

import { systemClock, type Timer } from "../base/clock.ts";

/** How long running tasks may take to end after a cancel. */
export const cancelGraceMs = 10_000;
/** How long the writer may take to end when the run is told to stop now. */
const writerGraceMs = 5_000;
/** A run that is cancelled while it opens may take this long to begin; after that, it does not begin. */
const beginGraceMs = 1_000;

type DeadlineDeps = {
  /** The tasks, or the beginning of the run, have not ended in time. */
  killAll(): void;
  /** The writer has not ended in time. */
  writerStuck(message: string): void;
};

/** One deadline at a time: the writer's replaces that of the tasks. */
export class StopDeadline {
  readonly #deps: DeadlineDeps;
  #timer: Timer | undefined;

  constructor(deps: DeadlineDeps) {
    this.#deps = deps;
  }

  forTasks(isOpening: boolean): void {
    this.#set(isOpening ? beginGraceMs : cancelGraceMs, () => this.#deps.killAll());
  }

  /** A message's `apply` may never return. The writer's transaction is then lost, and the next run continues. */
  forWriter(): void {
    this.#set(writerGraceMs, () =>
      this.#deps.writerStuck(
        `the writer has not ended within ${writerGraceMs / 1000} s (does a message's \`apply\` return?); what is not stored yet is done again when the run is continued`,
      ),
    );
  }

  clear(): void {
    systemClock.cancel(this.#timer);
  }

  #set(ms: number, passed: () => void): void {
    this.clear();
    this.#timer = systemClock.after(ms, passed);
  }
}
