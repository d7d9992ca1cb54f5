// What a task depends on, for `why`: as lines of text and as data. Pure.

import { failureLine } from "../base/failure.ts";
import { grouped, plural, visible } from "../base/text.ts";
import { titleOf } from "../protocol/label.ts";
import type { NeededFanOut, NeededTask, TaskNeeds } from "../store/read/task-needs.ts";

/** Tasks of one line. */
const maxNamed = 5;

const named = ({ id, name, label }: NeededTask): string =>
  `${visible(titleOf(name, label))} #${id}`;

/** `load day=3 #7 failed: no such file` */
export const culpritLine = (task: NeededTask): string =>
  task.status === "cancelled"
    ? `${named(task)} was cancelled`
    : `${named(task)} failed${task.failure === null ? "" : `: ${visible(failureLine(task.failure))}`}`;

export function needsLines({ tasks, more, fanOuts, itemOf }: TaskNeeds): string[] {
  const read = tasks.filter(({ isRead }) => isRead);
  const others = tasks.filter(({ isRead }) => !isRead);
  return [
    ...listed("it reads the results of", read, others.length === 0 ? more : 0),
    ...fanOuts.map(
      (fanOut) =>
        `it ${fanOut.isRead ? "reads the results" : "waits for the end"} of ${fanOutText(fanOut)}`,
    ),
    ...listed("it waits for the end of", others, more),
    ...itemOf.map(({ over }) => `it is an item of a fan-out over ${overText(over)}`),
  ];
}

function listed(what: string, tasks: readonly NeededTask[], more: number): string[] {
  if (tasks.length === 0) return more > 0 ? [`${what} ${plural(more, "task")}`] : [];
  const shown = tasks.slice(0, maxNamed).map((task) => `${named(task)} (${task.status})`);
  const rest = tasks.length - shown.length + more;
  return [`${what} ${shown.join(", ")}${rest > 0 ? ` and ${plural(rest, "other task")}` : ""}`];
}

function fanOutText({ over, yields, items, failed, running, firstFailed }: NeededFanOut): string {
  const tasks = yields.map((name) => visible(name)).join(", ");
  const open = [
    ...(failed > 0 ? [`${grouped(failed)} failed`] : []),
    ...(running > 0 ? [plural(running, "is running", "are running")] : []),
  ];
  const first = firstFailed === null ? "" : `, the first is ${named(firstFailed)}`;
  return [
    `a fan-out over ${overText(over)}`,
    ...(items === null ? [] : [`, ${plural(items, "item")}`]),
    ...(tasks === "" ? [] : [` of ${tasks}`]),
    ...(open.length === 0 ? [] : [` (${open.join(", ")}${first})`]),
  ].join("");
}

const overText = (over: readonly string[]): string =>
  over.length === 0
    ? "a list of the pipeline file"
    : over.map((name) => (name.startsWith("each:") ? "another fan-out" : visible(name))).join(", ");

export const needsData = ({ tags, tasks, more, isCut, fanOuts, itemOf }: TaskNeeds): object => ({
  tasks: tasks.map(taskData),
  more,
  isCut,
  tags,
  fanOuts: fanOuts.map(({ firstFailed, ...fanOut }) => ({
    ...fanOut,
    firstFailed: firstFailed === null ? null : taskData(firstFailed),
  })),
  itemOf,
});

export const taskData = ({ id, name, label, status, failure, isRead }: NeededTask): object => ({
  id,
  name,
  label,
  status,
  error: failure,
  isRead,
});
