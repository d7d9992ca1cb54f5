// Finds workers in which a task's `label` does not return: such a thread answers nothing, and the task has not even begun
// for the screen and the file.

import { Alarm } from "../../base/alarm.ts";
import { systemClock } from "../../base/clock.ts";
import type { Failure } from "../../base/failure.ts";
import type { TaskId, WorkerId } from "../../protocol/ids.ts";

/** How often the workers are looked at. */
const everyMs = 1000;
/** A label takes no time. After this one, it is taken for one that never returns. */
const mostMs = 5000;

type Labelling = {
  readonly id: WorkerId;
  /** The task whose label is being made. */
  readonly labelling: { readonly id: TaskId; readonly task: string } | undefined;
};

type LabelWatchDeps = {
  workers(): Iterable<Labelling>;
  /** The label of this task does not return. */
  stuck(worker: WorkerId, task: TaskId, failure: Failure): void;
};

export class LabelWatch {
  readonly #deps: LabelWatchDeps;
  readonly #alarm = new Alarm(() => this.#look());
  /** What each worker labelled at the last look, and since when. */
  #seen = new Map<WorkerId, { readonly id: TaskId; readonly since: number }>();

  constructor(deps: LabelWatchDeps) {
    this.#deps = deps;
  }

  begin(): void {
    this.#alarm.set(systemClock.now() + everyMs);
  }

  end(): void {
    this.#alarm.set(undefined);
  }

  #look(): void {
    const now = systemClock.now();
    const before = this.#seen;
    this.#seen = new Map();
    for (const { id: worker, labelling } of this.#deps.workers()) {
      if (labelling === undefined) continue;
      const { id, task } = labelling;
      const last = before.get(worker);
      const seen = last?.id === id ? last : { id, since: now };
      if (now - seen.since >= mostMs) this.#deps.stuck(worker, id, stuckFailure(task));
      else this.#seen.set(worker, seen);
    }
    this.begin();
  }
}

const stuckFailure = (task: string): Failure => ({
  name: "LabelError",
  message: `the \`label\` of task "${task}" has not returned after ${mostMs / 1000} s, so its thread was ended`,
});
