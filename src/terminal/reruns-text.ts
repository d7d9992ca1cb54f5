// Which tasks of a run that is continued run again, and why, as text. Pure.

import { grouped, visible } from "../base/text.ts";
import type { Rerun } from "../protocol/reruns.ts";

/** `2 tasks' code changed since run 12: load-day (×40), report; they run again` */
export function rerunLines(run: number, tasks: readonly Rerun[]): readonly string[] {
  const asked = tasks.filter(({ reason, isKept }) => reason === "asked" && !isKept);
  const further = asked.some(({ downstream }) => downstream === true)
    ? ", and what depends on it"
    : "";
  return [
    ...[false, true].flatMap((isKept) =>
      (["code", "declared"] as const).flatMap((reason) =>
        changedLine(
          run,
          tasks.filter((task) => task.reason === reason && task.isKept === isKept),
        ),
      ),
    ),
    ...(asked.length === 0 ? [] : [`runs again, as asked: ${named(asked)}${further}`]),
  ];
}

/** @param tasks of one reason, all kept or none */
function changedLine(run: number, tasks: readonly Rerun[]): readonly string[] {
  const [first] = tasks;
  if (first === undefined) return [];
  const what =
    first.reason === "code"
      ? `${tasks.length === 1 ? "1 task's" : `${tasks.length} tasks'`} code changed`
      : `files or variables that ${tasks.length === 1 ? "1 task declares" : `${tasks.length} tasks declare`} changed`;
  const follows = first.isKept
    ? "results are kept, as asked"
    : `${tasks.length === 1 ? "it runs" : "they run"} again`;
  return [`${what} since run ${run}: ${named(tasks)}; ${follows}`];
}

const named = (tasks: readonly Rerun[]): string => tasks.map(nameOf).join(", ");

/** `load-day (×40)`, or the tasks that were asked for one by one: `load-day day=1, load-day day=2, …` */
function nameOf({ task, count, titles }: Rerun): string {
  if (titles === undefined) return `${visible(task)}${times(count)}`;
  const shown = titles.map(visible).join(", ");
  return count > titles.length ? `${shown}, …${times(count)}` : shown;
}

export const times = (count: number): string => (count === 1 ? "" : ` (×${grouped(count)})`);
