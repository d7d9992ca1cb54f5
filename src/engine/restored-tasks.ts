// What an earlier session of a resumed run left behind, found by key. Equal calls have equal keys, and are told apart by
// their order: each may have had a result of its own, which others have read.

import type { TaskId } from "../protocol/ids.ts";
import type { RestoredTask } from "../protocol/messages.ts";

/** A number is the id of a task that is done and yielded nothing: of these there may be millions. */
type Known = TaskId | RestoredTask;

/** Of one key, in the order of their ids; those before `next` have been handed out. */
type Same = { readonly all: Known[]; next: number };

export class RestoredTasks {
  readonly #byKey = new Map<string, Known | Same>();
  maxId = 0;
  /** Done ones that were asked for, and are not run again. */
  reused = 0;

  /** To be called in the order of their ids. */
  add(task: RestoredTask): void {
    this.maxId = Math.max(this.maxId, task.id);
    const known = task.status === "done" && task.result === "null" ? task.id : task;
    const same = this.#byKey.get(task.key);
    if (same === undefined) this.#byKey.set(task.key, known);
    else if (isOne(same)) this.#byKey.set(task.key, { all: [same, known], next: 0 });
    else same.all.push(known);
  }

  /** Of a run that is not resumed there are none. */
  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  /** What was not done and nobody has asked for: the file does not plan it any more. */
  *open(): Generator<RestoredTask> {
    for (const same of this.#byKey.values()) {
      for (const known of left(same)) {
        if (typeof known !== "number" && known.status !== "done") yield known;
      }
    }
  }

  /** Of what was done and nobody has asked for: how many there are of each task definition. */
  leftDone(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [key, same] of this.#byKey) {
      const done = left(same).filter(isDone).length;
      const name = key.slice(0, key.lastIndexOf(":"));
      if (done > 0) counts.set(name, (counts.get(name) ?? 0) + done);
    }
    return counts;
  }

  /** @param optional its failure is final; of another task it is not, and the task has all of its attempts again */
  take(key: string, optional: boolean): RestoredTask | undefined {
    const same = this.#byKey.get(key);
    if (same === undefined) return undefined;
    const known = isOne(same) ? same : same.all[same.next++];
    if (known === undefined) throw new Error(`Internal error: nothing is left of ${key}`);
    if (isOne(same) || same.next === same.all.length) this.#byKey.delete(key);
    const task = typeof known === "number" ? doneWithoutResult(known, key) : known;
    if (task.status === "done") this.reused++;
    if (task.status !== "failed" || optional) return task;
    return { ...task, status: "open", attempt: 0, result: null };
  }
}

const isOne = (same: Known | Same): same is Known => typeof same === "number" || "key" in same;

/** What nobody has asked for yet. */
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
