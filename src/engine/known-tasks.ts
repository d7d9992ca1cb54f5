// What an earlier session of a resumed run left behind, found by key. Equal calls have equal keys and are handed out in
// the order of their ids: which of them is which does not matter, for they are the same work.

import { taskId, type TaskId } from "../protocol/ids.ts";
import type { KnownTask } from "../protocol/messages.ts";

/** What a task is recognised by in a later run: its name and a 64-bit hash (wyhash) of its input's JSON text. */
export function taskKey(name: string, inputText: string): string {
  if (name !== last.name || inputText !== last.inputText) {
    last = { name, inputText, key: `${name}:${Bun.hash(inputText).toString(36)}` };
  }
  return last.key;
}

/** Equal calls often come in a row: a stream of tasks that differ in nothing. */
let last = { name: "", inputText: "", key: "" };

export class KnownTasks {
  readonly #byKey = new Map<string, KnownTask[]>();
  readonly maxId: TaskId | 0 = 0;
  /** Done ones that were asked for, and are not run again. */
  reused = 0;

  constructor(tasks: readonly KnownTask[]) {
    let max = 0;
    // Done ones are handed out first: with equal keys, what is done must not be done again.
    for (const task of [...tasks].sort(
      (a, b) => Number(a.status !== "done") - Number(b.status !== "done"),
    )) {
      max = Math.max(max, task.id);
      const same = this.#byKey.get(task.key);
      if (same === undefined) this.#byKey.set(task.key, [task]);
      else same.push(task);
    }
    this.maxId = max === 0 ? 0 : taskId(max);
  }

  take(key: string): KnownTask | undefined {
    if (this.#byKey.size === 0) return undefined;
    const same = this.#byKey.get(key);
    const task = same?.shift();
    if (same?.length === 0) this.#byKey.delete(key);
    if (task?.status === "done") this.reused++;
    return task;
  }
}
