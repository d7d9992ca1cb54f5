// Which tasks of a run that is continued run again, and why, as text. Pure.

import { grouped, visible } from "../base/text.ts";
import type { Rerun } from "../protocol/reruns.ts";

/** `2 tasks' code changed since run 12: load-day (×40), report; they run again` */
export function rerunLines(run: number, tasks: readonly Rerun[]): readonly string[] {
  const changed = tasks.filter(({ reason, isKept }) => reason === "code" && !isKept);
  const kept = tasks.filter(({ isKept }) => isKept);
  const asked = tasks.filter(({ reason }) => reason === "asked");
  const since = (some: readonly Rerun[]): string =>
    `${some.length === 1 ? "1 task's" : `${some.length} tasks'`} code changed since run ${run}: ${named(some)}`;
  const further = asked.some(({ downstream }) => downstream === true)
    ? ", and what depends on it"
    : "";
  return [
    ...(changed.length === 0
      ? []
      : [`${since(changed)}; ${changed.length === 1 ? "it runs" : "they run"} again`]),
    ...(kept.length === 0 ? [] : [`${since(kept)}; results are kept, as asked`]),
    ...(asked.length === 0 ? [] : [`runs again, as asked: ${named(asked)}${further}`]),
  ];
}

const named = (tasks: readonly Rerun[]): string =>
  tasks.map(({ task, count }) => `${visible(task)}${times(count)}`).join(", ");

export const times = (count: number): string => (count === 1 ? "" : ` (×${grouped(count)})`);
