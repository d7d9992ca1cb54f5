// The state of a run as the screen needs it: counts, and the running and waiting tasks. Finished tasks are only counted.
//
// `fold` changes the view in place: at 200,000 events a second, a new view for each batch would cost more than drawing.
// It has no other effect and reads no clock.

import type { RunEvent, TaskFinished, TaskProgress, TaskStarted } from "../protocol/events.ts";
import type { TaskId } from "../protocol/ids.ts";
import { type Item, labelOf, titleOf } from "../protocol/label.ts";
import type { RunStatus } from "../protocol/status.ts";
import type { FollowedRun } from "./ui.ts";
import { assertNever } from "../base/unreachable.ts";

/** A task as it is shown. */
export type ShownTask = Item & {
  readonly id: TaskId;
  readonly name: string;
};

/** Its title is made when it is first shown: most tasks never are. */
type TitledTask = ShownTask & { title: string | undefined };

export type RunningTask = TitledTask & {
  readonly startedAt: number;
  readonly attempt: number;
  /** Where it runs, in a run with an engine. */
  readonly machine: string | undefined;
  /** 0..1; undefined if the task has reported none. */
  progress: number | undefined;
  message: string | undefined;
};

/** An attempt has failed; the next one begins at `retryAt`. */
export type WaitingTask = TitledTask & {
  /** The next attempt. */
  readonly attempt: number;
  readonly retryAt: number;
};

/** What a row of the regions is: a task of a run, or a slot of a schedule, which is a run of its own. */
export type Noun = "task" | "slot";

export type View = {
  readonly noun: Noun;
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
  /** Sum of the progress of the running tasks; the bar of all tasks and the remaining time count it as work done. */
  partial: number;
  readonly running: Map<TaskId, RunningTask>;
  readonly waiting: Map<TaskId, WaitingTask>;
  /** Titles that have been seen on more than one task. */
  readonly repeated: Set<string>;
  /** Titles with labels have been shown: these get more room, and keep it. */
  hasLabels: boolean;
  /** `soon` after the first Ctrl-C, `now` after the second. */
  stopping: "no" | "soon" | "now";
};

const maxRepeated = 10_000;
const maxCompared = 64;

export const newView = (noun: Noun = "task"): View => ({
  noun,
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
  hasLabels: false,
  stopping: "no",
});

/**
 * Without the cancelled tasks: they run again when the run is resumed, so a bar at 100 % would be wrong. No more than are planned:
 * of the tasks that were done before, some may have left the plan, and only the end of the session tells which.
 */
export function finishedCount({ done, failed, skipped, complete, total }: View): number {
  const finished = done + failed + skipped;
  return complete ? Math.min(finished, total) : finished;
}

/** Tasks that are known and have not begun. */
export const queuedCount = (view: View): number =>
  Math.max(
    0,
    view.total - finishedCount(view) - view.cancelled - view.running.size - view.waiting.size,
  );

/** `load day=2025-05-13` */
export const titleOfTask = (task: TitledTask): string =>
  (task.title ??= titleOf(task.name, labelOf(task)));

export type Repeated = { has(title: string): boolean };

/** The titles that several of `tasks` have, and all titles in `repeated`. */
export function repeatedAmong(view: View, tasks: readonly TitledTask[]): Repeated {
  const { repeated } = view;
  const seen = new Set<string>();
  const here = new Set<string>();
  for (const task of tasks) {
    const title = titleOfTask(task);
    if (title !== task.name) view.hasLabels = true;
    if (!seen.has(title)) seen.add(title);
    else here.add(title);
  }
  for (const title of here) if (repeated.size < maxRepeated) repeated.add(title);
  return { has: (title) => here.has(title) || repeated.has(title) };
}

/** What a task is called on the screen. A title that several tasks have is followed by the id in `task_runs`. */
export function shownTitle(view: View, task: ShownTask): string {
  const title = titleOf(task.name, labelOf(task));
  if (!isShared(view, title, task)) return title;
  if (view.repeated.size < maxRepeated) view.repeated.add(title);
  return `${title} #${task.id}`;
}

// Compares with the running tasks when a title is shown. Counting titles in `fold` would cost each task more than all the
// rest of `fold`.
function isShared({ running, repeated }: View, title: string, { id, name }: ShownTask): boolean {
  if (repeated.has(title)) return true;
  let left = maxCompared;
  for (const task of running.values()) {
    if (task.name === name && task.id !== id && titleOfTask(task) === title) return true;
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
      const { id, name, label, input, attempt, retryAt } = event;
      leave(view, id);
      const task = { id, name, label, input, title: undefined };
      view.waiting.set(id, { ...task, attempt: attempt + 1, retryAt });
      return;
    }
    case "run-total":
      view.total = event.total;
      view.complete = event.complete;
      return;
    case "task-again":
      view.done--;
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
    case "task-slow":
    case "task-checkpoint":
      return;
    default:
      return assertNever(event);
  }
}

function start(view: View, started: TaskStarted): void {
  const { id, name, label, input, attempt, at, machine } = started;
  view.waiting.delete(id);
  const task = { id, name, label, input, machine, title: undefined };
  const last = { progress: undefined, message: undefined };
  view.running.set(id, { ...task, startedAt: at, attempt, ...last });
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
