// The state of a run as the screen needs it: counts, and the running and waiting tasks. Finished tasks are only counted.
//
// `fold` changes the view in place: at 200,000 events a second, a new view for each batch would cost more than drawing.
// It has no other effect and reads no clock.

import type { RunEvent, TaskFinished, TaskProgress, TaskStarted } from "../protocol/events.ts";
import type { TaskId } from "../protocol/ids.ts";
import type { RunStatus } from "../protocol/status.ts";
import type { FollowedRun } from "./ui.ts";
import { assertNever } from "../base/unreachable.ts";

export type RunningTask = {
  readonly id: TaskId;
  readonly name: string;
  readonly startedAt: number;
  readonly attempt: number;
  /** 0..1; undefined if the task has reported none. */
  progress: number | undefined;
  message: string | undefined;
};

/** An attempt has failed; the next one begins at `retryAt`. */
export type WaitingTask = {
  readonly id: TaskId;
  readonly name: string;
  /** The next attempt. */
  readonly attempt: number;
  readonly retryAt: number;
};

export type View = {
  startedAt: number | undefined;
  finishedAt: number | undefined;
  status: RunStatus;
  total: number;
  /** False while more tasks may come. */
  complete: boolean;
  /** Includes tasks that an earlier session of the run has finished. */
  done: number;
  failed: number;
  cancelled: number;
  skipped: number;
  /** Sum of the progress of the running tasks; the remaining time counts it as work done. */
  partial: number;
  readonly running: Map<TaskId, RunningTask>;
  readonly waiting: Map<TaskId, WaitingTask>;
  /** Names that have been seen on more than one task. */
  readonly repeated: Set<string>;
  /** `soon` after the first Ctrl-C, `now` after the second. */
  stopping: "no" | "soon" | "now";
};

const maxRepeated = 10_000;
const maxCompared = 64;

export const newView = (): View => ({
  startedAt: undefined,
  finishedAt: undefined,
  status: "running",
  total: 0,
  complete: false,
  done: 0,
  failed: 0,
  cancelled: 0,
  skipped: 0,
  partial: 0,
  running: new Map(),
  waiting: new Map(),
  repeated: new Set(),
  stopping: "no",
});

export const finishedCount = (view: View): number =>
  view.done + view.failed + view.cancelled + view.skipped;

export type Repeated = { has(name: string): boolean };

/** The names that several of `tasks` have, and all names in `repeated`. */
export function repeatedAmong(
  { repeated }: View,
  tasks: readonly { readonly name: string }[],
): Repeated {
  const seen = new Set<string>();
  const here = new Set<string>();
  for (const { name } of tasks) {
    if (!seen.has(name)) seen.add(name);
    else here.add(name);
  }
  for (const name of here) if (repeated.size < maxRepeated) repeated.add(name);
  return { has: (name) => here.has(name) || repeated.has(name) };
}

/** The name of a task on the screen. A name that several tasks have is followed by the id in `task_runs`. */
export function labelOf(view: View, name: string, id: TaskId): string {
  if (!isShared(view, name, id)) return name;
  if (view.repeated.size < maxRepeated) view.repeated.add(name);
  return `${name} #${id}`;
}

// Compares with the running tasks when a name is shown. Counting names in `fold` would cost each task more than all the
// rest of `fold`.
function isShared({ running, repeated }: View, name: string, id: TaskId): boolean {
  if (repeated.has(name)) return true;
  let left = maxCompared;
  for (const task of running.values()) {
    if (task.name === name && task.id !== id) return true;
    if (--left === 0) return false;
  }
  return false;
}

export function foldFollowed(view: View, { startedAt, counts, left }: FollowedRun): void {
  const { done, error, cancelled, skipped } = counts;
  Object.assign(view, { startedAt, done, failed: error, cancelled, skipped });
  for (const id of left) leave(view, id);
}

export function fold(view: View, events: readonly RunEvent[]): void {
  for (const event of events) step(view, event);
}

function step(view: View, event: RunEvent): void {
  switch (event.type) {
    case "task-finished":
      return finish(view, event);
    case "task-started":
      return start(view, event);
    case "task-progress":
      return advance(view, event);
    case "task-retrying": {
      const { id, name, attempt, retryAt } = event;
      leave(view, id);
      view.waiting.set(id, { id, name, attempt: attempt + 1, retryAt });
      return;
    }
    case "run-total":
      view.total = event.total;
      view.complete = event.complete;
      return;
    case "run-reruns":
      return;
    case "run-started":
      view.startedAt = event.at;
      view.done = event.alreadyDone;
      return;
    case "run-finished":
      view.status = event.status;
      view.finishedAt = event.at;
      return;
    case "task-log":
    case "task-checkpoint":
      return;
    default:
      return assertNever(event);
  }
}

function start(view: View, { id, name, attempt, at }: TaskStarted): void {
  view.waiting.delete(id);
  const last = { progress: undefined, message: undefined };
  view.running.set(id, { id, name, startedAt: at, attempt, ...last });
}

function advance(view: View, event: TaskProgress): void {
  const task = view.running.get(event.id);
  if (task === undefined) return;
  view.partial += event.progress - (task.progress ?? 0);
  task.progress = event.progress;
  if (event.message !== undefined) task.message = event.message;
}

/** The view may not know the task: a short task has one event for start and end. */
function finish(view: View, event: TaskFinished): void {
  leave(view, event.id);
  view.waiting.delete(event.id);
  switch (event.status) {
    case "done":
      view.done++;
      return;
    case "error":
      view.failed++;
      return;
    case "cancelled":
      view.cancelled++;
      return;
    case "skipped":
      view.skipped++;
      return;
    default:
      return assertNever(event.status);
  }
}

function leave(view: View, id: TaskId): void {
  const task = view.running.get(id);
  if (task === undefined) return;
  view.running.delete(id);
  // Sums of fractions drift. Without running tasks the sum is 0.
  view.partial = view.running.size === 0 ? 0 : view.partial - (task.progress ?? 0);
}
