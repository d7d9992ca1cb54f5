// Tasks of a resumed run that an earlier session knew, by key. Equal calls have equal keys and are told apart by their
// order: each may have had its own result, which other tasks have read.

import { unknownPosition } from "../protocol/ids.ts";
import type { RestoredPage, RestoredTask } from "../protocol/messages.ts";
import { type DoneTask, DoneTasks } from "./done-tasks.ts";
import { LeftDone } from "./left-done.ts";

/** One of the tasks of a key. */
export type Which = Pick<RestoredTask, "id" | "position"> & {
  /** It may have been another call's. A failure is not final then. */
  readonly isDoubtful?: boolean;
};

/** One that was not taken. `result`: JSON text; undefined or null where it is long and in the file. */
export type LeftTask = Which &
  Pick<RestoredTask, "status"> & { readonly result: string | null | undefined };

/** Tasks of one key, in the order of their ids. Those before `next` have been taken. */
type Same = { readonly all: RestoredTask[]; next: number };

/** `wasCounted`: it counts as already done, and runs again. */
export type TakenTask = RestoredTask & { readonly wasCounted?: boolean };

export class RestoredTasks {
  readonly #done = new DoneTasks();
  /** The others. */
  readonly #byKey = new Map<string, RestoredTask | Same>();
  maxId = 0;
  /** How many done tasks were taken: they are not run again. */
  reused = 0;

  /** To be called in the order of the ids. */
  addPage({ tasks, done }: RestoredPage): void {
    if (done !== null) this.maxId = Math.max(this.maxId, this.#done.add(done));
    for (const task of tasks) this.#add(task);
  }

  #add(task: RestoredTask): void {
    this.maxId = Math.max(this.maxId, task.id);
    const same = this.#byKey.get(task.key);
    if (same === undefined) this.#byKey.set(task.key, task);
    else if ("key" in same) this.#byKey.set(task.key, { all: [same, task], next: 0 });
    else same.all.push(task);
  }

  /**
   * To be called when all tasks are added.
   * @returns keys of several tasks that are not alike: it matters which of them is which task of the plan
   */
  unlike(): ReadonlySet<string> {
    const keys = this.#done.differing;
    for (const key of this.#byKey.keys()) if (this.#done.peek(key) !== undefined) keys.add(key);
    return keys;
  }

  /** Whether the first task of the key that was not taken is called at another position. */
  isElsewhere(key: string, position: number): boolean {
    const done = this.#done.peek(key);
    const first = done ?? firstOf(this.#byKey.get(key));
    return first !== undefined && first.position !== unknownPosition && first.position !== position;
  }

  /** The task of this key that was not taken and is called at this position. */
  at(key: string, position: number): RestoredTask | undefined {
    const done = this.#done.at(key, position);
    if (done !== undefined) return restored(key, done);
    const same = this.#byKey.get(key);
    if (same === undefined || !("key" in same))
      return same?.all.find((task, at) => at >= same.next && task.position === position);
    return same.position === position ? same : undefined;
  }

  /** Whether a task of this key was not taken. */
  has(key: string): boolean {
    return this.#byKey.has(key) || this.#done.peek(key) !== undefined;
  }

  /** The done tasks of this key that were not taken; none if they are more than `most`. `result`: undefined where it is long. */
  doneOf(key: string, most: number): readonly DoneTask[] {
    const found = [...this.#done.leftOf(key).take(most + 1)];
    return found.length > most ? [] : found;
  }

  /** The tasks of this key that were not taken, in the order of their ids. The one that was yielded may be taken before the next. */
  *leftOf(key: string): Generator<LeftTask> {
    const others = left(this.#byKey.get(key)).slice();
    for (const done of this.#done.leftOf(key)) {
      while ((others[0]?.id ?? done.id) < done.id) yield* this.#stillLeft(key, others.shift());
      yield { ...done, status: "done" };
    }
    for (const other of others) yield* this.#stillLeft(key, other);
  }

  *#stillLeft(key: string, task: RestoredTask | undefined): Generator<LeftTask> {
    const same = this.#byKey.get(key);
    if (task === undefined || same === undefined) return;
    if ("key" in same ? same === task : same.all.includes(task, same.next)) yield task;
  }

  /** True in a run that is not resumed. */
  get isEmpty(): boolean {
    return this.#byKey.size === 0 && this.#done.size === 0;
  }

  /** Tasks that are not done and were not taken: the pipeline no longer plans them. */
  *open(): Generator<RestoredTask> {
    for (const same of this.#byKey.values()) {
      for (const task of left(same)) if (task.status !== "done") yield task;
    }
  }

  /** Tasks that are done and were not taken. */
  leftDone(): LeftDone {
    const found = new LeftDone();
    for (const task of this.#done.left()) found.add(task);
    for (const same of this.#byKey.values()) {
      for (const task of left(same)) if (task.status === "done") found.add(task);
    }
    return found;
  }

  /**
   * A task that is outdated starts again with all of its attempts.
   * @param optional the failure of an optional task is final, unless it may be another's; any other task that failed starts again
   * @param isAgain it depends on a task that runs again with its downstream: so does this one, unless it has done so already
   * @param which of those of the key that were not taken; undefined: the first, null: none of them
   */
  take(
    key: string,
    optional: boolean,
    isAgain = false,
    which?: Which | null,
  ): TakenTask | undefined {
    if (which === null) return undefined;
    const task = which === undefined ? this.#take(key) : this.#takeThis(key, which);
    if (task === undefined) return undefined;
    if (isAgain && task.passesOn !== true) {
      // What is outdated, the run has not counted as done.
      const wasCounted = task.status === "done" && task.isOutdated !== true;
      return { ...task, ...fromBeginning, cursor: null, wasCounted };
    }
    const isFinal = optional && which?.isDoubtful !== true;
    const runs = task.isOutdated === true || (task.status === "failed" && !isFinal);
    if (runs) return { ...task, ...fromBeginning };
    if (task.status === "done") this.reused++;
    return task;
  }

  #takeThis(key: string, which: Which): RestoredTask | undefined {
    const other = left(this.#byKey.get(key)).find(({ id }) => id === which.id);
    return other === undefined ? this.#takeDone(key, which) : this.#takeOther(key, other);
  }

  #take(key: string): RestoredTask | undefined {
    if (this.#byKey.size === 0) return this.#takeDone(key);
    const other = firstOf(this.#byKey.get(key));
    const done = this.#done.peek(key);
    if (done !== undefined && (other === undefined || done.id < other.id))
      return this.#takeDone(key);
    return other && this.#takeOther(key, other);
  }

  #takeDone(key: string, which?: Which): RestoredTask | undefined {
    const done = which === undefined ? this.#done.take(key) : this.#done.takeThis(key, which);
    return done && restored(key, done);
  }

  #takeOther(key: string, other: RestoredTask): RestoredTask {
    const same = this.#byKey.get(key);
    if (same === undefined || "key" in same) {
      this.#byKey.delete(key);
      return other;
    }
    if (same.all[same.next] === other) same.next++;
    else same.all.splice(same.all.indexOf(other, same.next), 1);
    if (same.next === same.all.length) this.#byKey.delete(key);
    return other;
  }
}

const fromBeginning = { status: "open", attempt: 0, interruptions: 0, result: null } as const;

const restored = (key: string, { id, position, result }: DoneTask): RestoredTask => ({
  id,
  key,
  position,
  status: "done",
  attempt: 1,
  result: result ?? null,
  cursor: null,
});

const firstOf = (same: RestoredTask | Same | undefined): RestoredTask | undefined =>
  same === undefined || "key" in same ? same : same.all[same.next];

/** Tasks that were not taken yet. */
function left(same: RestoredTask | Same | undefined): readonly RestoredTask[] {
  if (same === undefined) return [];
  return "key" in same ? [same] : same.all.slice(same.next);
}
