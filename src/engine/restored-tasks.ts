// Tasks of a resumed run that an earlier session knew, by key. Equal calls have equal keys and are told apart by their
// order: each may have had its own result, which other tasks have read.

import type { TaskId } from "../protocol/ids.ts";
import type { RestoredTask } from "../protocol/messages.ts";
import { nameOfKey } from "../protocol/task-key.ts";

/** A number is the id of a task that is done and whose result is null: there may be millions of them. */
type Known = TaskId | RestoredTask;

/** Tasks of one key, in the order of their ids. Those before `next` have been taken. */
type Same = { readonly all: Known[]; next: number };

export class RestoredTasks {
  readonly #byKey = new Map<string, Known | Same>();
  maxId = 0;
  /** How many done tasks were taken: they are not run again. */
  reused = 0;

  /** To be called in the order of the ids. */
  add(task: RestoredTask): void {
    this.maxId = Math.max(this.maxId, task.id);
    const isPlain = task.status === "done" && task.result === "null" && task.isOutdated !== true;
    const known = isPlain ? task.id : task;
    const same = this.#byKey.get(task.key);
    if (same === undefined) this.#byKey.set(task.key, known);
    else if (isOne(same)) this.#byKey.set(task.key, { all: [same, known], next: 0 });
    else same.all.push(known);
  }

  /** True in a run that is not resumed. */
  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  /** Tasks that are not done and were not taken: the pipeline no longer plans them. */
  *open(): Generator<RestoredTask> {
    for (const same of this.#byKey.values()) {
      for (const known of left(same)) {
        if (typeof known !== "number" && !isDone(known)) yield known;
      }
    }
  }

  /** Tasks that are done and were not taken: their number by task definition. */
  leftDone(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [key, same] of this.#byKey) {
      const done = left(same).filter(isDone).length;
      const name = nameOfKey(key);
      if (done > 0) counts.set(name, (counts.get(name) ?? 0) + done);
    }
    return counts;
  }

  /**
   * A task that is outdated starts again with all of its attempts.
   * @param optional the failure of an optional task is final; any other task that failed starts again too
   */
  take(key: string, optional: boolean): RestoredTask | undefined {
    const same = this.#byKey.get(key);
    if (same === undefined) return undefined;
    const known = isOne(same) ? same : same.all[same.next++];
    if (known === undefined) throw new Error(`Internal error: nothing is left of ${key}`);
    if (isOne(same) || same.next === same.all.length) this.#byKey.delete(key);
    const task = typeof known === "number" ? doneWithoutResult(known, key) : known;
    const runs = task.isOutdated === true || (task.status === "failed" && !optional);
    if (runs) return { ...task, status: "open", attempt: 0, result: null };
    if (task.status === "done") this.reused++;
    return task;
  }
}

const isOne = (same: Known | Same): same is Known => typeof same === "number" || "key" in same;

/** Tasks that were not taken yet. */
const left = (same: Known | Same): readonly Known[] =>
  isOne(same) ? [same] : same.all.slice(same.next);

const isDone = (known: Known): boolean => typeof known === "number" || known.status === "done";

const doneWithoutResult = (id: TaskId, key: string): RestoredTask => ({
  id,
  key,
  status: "done",
  attempt: 1,
  result: "null",
  cursor: null,
});
