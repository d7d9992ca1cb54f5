// The output of `runs`, as text and as data. Pure.
//
// `--json`, one object. Times are ISO 8601 UTC, durations milliseconds:
//
//   { "version": 1, "db": "/abs/pipeloom.db", "at": time,
//     "runs": [ … ],                                        newest first, each as in `status --format json`
//     "pipelines": [{ "pipeline", "durationsMs": […] }] }   how long its last 20 done runs took, oldest first
//
// JSON Schema: .github/schemas/runs.v1.schema.json.

import { duration } from "../base/format-duration.ts";
import { Date } from "../base/globals.ts";
import { fit, visible } from "../base/text.ts";
import type { RunList } from "../store/read/run-list.ts";
import type { Glyphs } from "../terminal/glyphs.ts";
import { runData, runTable, type TableView } from "./run-table.ts";

const runsVersion = 1;

export const runsData = ({ runs, durations }: RunList, db: string, now: number): object => ({
  version: runsVersion,
  db,
  at: new Date(now).toISOString(),
  runs: runs.map((run) => runData(run, now)),
  pipelines: [...durations].map(([pipeline, durationsMs]) => ({ pipeline, durationsMs })),
});

export type RunsView = TableView & {
  /** As the user typed it. */
  readonly db: string;
  readonly glyphs: Glyphs;
};

export function runsLines({ runs, durations }: RunList, view: RunsView): string[] {
  if (runs.length === 0) return [`${visible(view.db)} has no runs yet`];
  const sparks = [...durations]
    .filter(([, all]) => all.length > 1)
    .map(([pipeline, all]) => fit(durationsLine(pipeline, all, view), view.width));
  return [...runTable(runs, view), ...(sparks.length === 0 ? [] : ["", ...sparks])];
}

/** `posts ▂▃▂█ last 3.2 s, median 3.0 s, longest 9.1 s (4 runs)` */
function durationsLine(
  pipeline: string,
  all: readonly number[],
  { glyphs, colors }: RunsView,
): string {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (index: number): string => duration(sorted[index] ?? 0);
  const facts = [
    `last ${duration(all.at(-1) ?? 0)}`,
    `median ${at(Math.floor((sorted.length - 1) / 2))}`,
    `longest ${at(sorted.length - 1)}`,
  ];
  const spark = colors.cyan(sparkline(all, glyphs.levels));
  return `${visible(pipeline)} ${spark} ${facts.join(", ")} ${colors.dim(`(${all.length} done runs)`)}`;
}

/** One character per value, from 0 to the largest. */
function sparkline(values: readonly number[], levels: readonly string[]): string {
  const most = Math.max(...values, 1);
  const last = levels.length - 1;
  return values.map((value) => levels[Math.round((value / most) * last)]).join("");
}
