// What a run has cost, in the lines below its end: only what says something. Pure.

import { duration } from "../base/format-duration.ts";
import { plural, visible, width } from "../base/text.ts";
import type { DefinitionTime, RunSummary, WaitTime } from "../protocol/summary.ts";

/** Fewer tasks are named one by one. */
const manyTasks = 20;
/** Less says nothing. */
const leastMs = 1000;
/** What waits less than this part of the run does not hold it up. */
const leastWait = 0.1;
/** A task is slow if it took longer, */
const slowEnoughMs = 100;
/** and among many tasks, this part of the run. */
const slowPart = 0.05;
const fewRows = 1000;
const maxShown = 2;

/**
 * Up to two lines: which definitions took most time, if there are many tasks; and what waited, what was written, and the CPU
 * time.
 * @param columns of the terminal; infinity where there is none
 */
export function costLines(summary: RunSummary, columns: number): readonly string[] {
  const tookMs = summary.finishedAt - summary.startedAt;
  const facts = [...waited(summary.waits ?? [], tookMs), ...written(summary, tookMs)];
  const lines = [mostTime(summary.definitions ?? []), facts];
  return lines.filter((parts) => parts.length > 0).map((parts) => fitting(parts, columns - 2));
}

/** As many parts as have room, and the first one. */
export function fitting(parts: readonly string[], room: number): string {
  const joined = (count: number): string => parts.slice(0, count).join(" · ");
  let count = parts.length;
  while (count > 1 && width(joined(count)) > room) count--;
  return joined(count);
}

const areMany = (definitions: readonly DefinitionTime[]): boolean =>
  definitions.reduce((sum, { tasks }) => sum + tasks, 0) > manyTasks;

/** Which duration of a task is worth a word. Among many, one that hardly counts is not. */
export function slowFromMs({ definitions = [], startedAt, finishedAt }: RunSummary): number {
  return Math.max(slowEnoughMs, areMany(definitions) ? slowPart * (finishedAt - startedAt) : 0);
}

/** `most time: load 41.2 s in 365 tasks`, `transform 20.1 s in 365 tasks` */
function mostTime(definitions: readonly DefinitionTime[]): string[] {
  if (definitions.length < 2 || !areMany(definitions)) return [];
  return definitions
    .filter(({ totalMs }) => totalMs >= leastMs)
    .slice(0, maxShown)
    .map(({ task, tasks, totalMs }) => {
      return `${visible(task)} ${duration(totalMs)} in ${plural(tasks, "task")}`;
    })
    .map((text, index) => (index === 0 ? `most time: ${text}` : text));
}

/** `waited: load up to 12.0 s for the limit "api"` */
function waited(waits: readonly WaitTime[], tookMs: number): string[] {
  const longest = waits.filter(
    ({ longestMs }) => longestMs >= Math.max(leastMs, leastWait * tookMs),
  );
  // That tasks wait for a worker is usual: what a limit keeps back is said first.
  const [first] = [
    ...longest.filter(({ cause }) => cause !== "worker"),
    ...longest.filter(({ cause }) => cause === "worker"),
  ];
  if (first === undefined) return [];
  const { task, longestMs } = first;
  return [`waited: ${visible(task)} up to ${duration(longestMs)} for ${whatFor(first)}`];
}

function whatFor({ cause, pool = "" }: WaitTime): string {
  return cause === "worker" ? "a free worker" : `the ${cause} of pool ${visible(pool)}`;
}

function written({ rows = 0, cpuMs = 0 }: RunSummary, tookMs: number): string[] {
  const saysRows = rows >= fewRows || (rows > 0 && tookMs >= leastMs);
  return [
    ...(saysRows ? [`${plural(rows, "row")} written`] : []),
    ...(cpuMs >= leastMs ? [`${duration(cpuMs)} of CPU`] : []),
  ];
}
