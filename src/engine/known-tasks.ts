// What an earlier session of a resumed run left behind, found by key. Equal calls have equal keys: which of them is which
// does not matter, for they are the same work.

import type { TaskId } from "../protocol/ids.ts";
import type { KnownTask } from "../protocol/messages.ts";

/** A number is the id of a task that is done and yielded nothing: of these there may be millions. */
type Known = TaskId | KnownTask;

export class KnownTasks {
  readonly #byKey = new Map<string, Known | Known[]>();
  maxId = 0;
  /** Done ones that were asked for, and are not run again. */
  reused = 0;

  add(task: KnownTask): void {
    this.maxId = Math.max(this.maxId, task.id);
    const known = task.status === "done" && task.result === "null" ? task.id : task;
    const same = this.#byKey.get(task.key);
    if (same === undefined) this.#byKey.set(task.key, known);
    else if (!Array.isArray(same)) this.#byKey.set(task.key, [same, known]);
    else same.push(known);
  }

  /** Of a run that is not resumed there are none. */
  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  /** What was not done and nobody has asked for: the file does not plan it any more. */
  *open(): Generator<KnownTask> {
    for (const same of this.#byKey.values()) {
      for (const known of Array.isArray(same) ? same : [same]) {
        if (typeof known !== "number" && known.status !== "done") yield known;
      }
    }
  }

  /** Of what was done and nobody has asked for: how many there are of each task definition. */
  leftDone(): ReadonlyMap<string, number> {
    const left = new Map<string, number>();
    for (const [key, same] of this.#byKey) {
      const done = (Array.isArray(same) ? same : [same]).filter(isDone).length;
      const name = key.slice(0, key.lastIndexOf(":"));
      if (done > 0) left.set(name, (left.get(name) ?? 0) + done);
    }
    return left;
  }

  /** @param optional its failure is final; of another task it is not, and the task has all of its attempts again */
  take(key: string, optional: boolean): KnownTask | undefined {
    const same = this.#byKey.get(key);
    const known = Array.isArray(same) ? takeFirst(same, optional) : same;
    if (!Array.isArray(same) || same.length === 0) this.#byKey.delete(key);
    const task = typeof known === "number" ? doneWithoutResult(known, key) : known;
    if (task?.status === "done") this.reused++;
    if (task?.status !== "failed" || optional) return task;
    return { ...task, status: "open", attempt: 0, result: null };
  }
}

const statusOf = (known: Known): KnownTask["status"] =>
  typeof known === "number" ? "done" : known.status;
const isDone = (known: Known): boolean => statusOf(known) === "done";

/** Of equal calls, what is done is handed out before what is not: it must not be done again. */
function takeFirst(same: Known[], optional: boolean): Known | undefined {
  const newest = same.at(-1);
  if (newest !== undefined && isDone(newest)) return same.pop();
  for (const status of ["done", optional ? "failed" : "open"] as const) {
    const index = same.findLastIndex((known) => statusOf(known) === status);
    if (index !== -1) return same.splice(index, 1)[0];
  }
  return same.shift();
}

const doneWithoutResult = (id: TaskId, key: string): KnownTask => ({
  id,
  key,
  status: "done",
  attempt: 1,
  result: "null",
  cursor: null,
});
