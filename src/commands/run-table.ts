// Runs as a table, and what `status` and `runs` show of runs and tasks in the same way. Pure.

import { failureLine } from "../base/failure.ts";
import { duration } from "../base/format-duration.ts";
import { Date, JSON } from "../base/globals.ts";
import type { Palette } from "../base/palette.ts";
import { localTime, relativeTime } from "../base/relative-time.ts";
import { engineOf, type SeenRun } from "../store/read/overview.ts";
import { type SeenStatus, totalOf } from "../store/read/task-counts.ts";
import {
  type Column,
  statusStyle,
  type Table,
  type TableCell,
  tableLines,
} from "../terminal/text-table.ts";

export type TableView = {
  /** Epoch ms. */
  readonly now: number;
  /** Columns of the terminal; Infinity without a terminal. */
  readonly width: number;
  readonly colors: Palette;
};

const runColumns: readonly Column[] = [
  { title: "RUN", align: "right" },
  { title: "PIPELINE", shrinkTo: 8 },
  { title: "STATUS" },
  { title: "DONE", align: "right" },
  { title: "SLOT", optional: 4 },
  { title: "ENGINE", shrinkTo: 8, optional: 5 },
  { title: "STARTED", optional: 1 },
  { title: "TIME", align: "right", optional: 2 },
  { title: "MESSAGE", shrinkTo: 10, optional: 3 },
];

export const runTable = (runs: readonly SeenRun[], { now, width, colors }: TableView): string[] =>
  tableLines(
    withoutEmptyColumns(
      runColumns,
      runs.map((run) => [
        String(run.id),
        run.pipeline,
        statusCell(run.status, colors),
        doneOf(run),
        run.scheduledFor === null ? "" : localTime(Date.parse(run.scheduledFor)),
        engineOf(run) ?? "",
        ago(run.startedAt, now),
        took(run, now),
        run.error === null ? "" : firstLine(failureLine(run.error)),
      ]),
    ),
    { width, colors },
  );

export function withoutEmptyColumns(
  columns: readonly Column[],
  rows: readonly (readonly TableCell[])[],
): Table {
  const used = (column: number): boolean => rows.some((row) => row[column] !== "");
  return {
    columns: columns.filter((_, i) => used(i)),
    rows: rows.map((row) => row.filter((_, i) => used(i))),
  };
}

/** `2/9` */
export function doneOf({ counts, tasksTotal }: SeenRun): string {
  const total = Math.max(tasksTotal ?? 0, totalOf(counts));
  return `${counts.done}/${total}`;
}

/** Most interesting first. */
export const shownOrder = [
  "running",
  "done",
  "error",
  "interrupted",
  "cancelled",
  "skipped",
  "queued",
] as const;

export const statusCell = (status: SeenStatus | SeenRun["status"], colors: Palette): TableCell => ({
  text: status,
  style: status === "interrupted" ? colors.yellow : statusStyle(status, colors),
});

export const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";

type Timed = {
  readonly status: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
};

/** In ms; null when never started, and when interrupted: the time of death is unknown. */
export function elapsed({ status, startedAt, finishedAt }: Timed, now: number): number | null {
  if (startedAt === null) return null;
  const end = finishedAt === null ? (status === "running" ? now : null) : Date.parse(finishedAt);
  const ms = end === null ? Number.NaN : end - Date.parse(startedAt);
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

export function ago(time: string, now: number): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? time : relativeTime(at, now);
}

export function took(timed: Timed, now: number): string {
  const ms = elapsed(timed, now);
  return ms === null ? "" : duration(ms);
}

/** A run as `--json` shows it: with `params` as a value, and `durationMs` until now while it is running. */
export const runData = (run: SeenRun, now: number): object => ({
  ...run,
  params: parsed(run.params),
  durationMs: elapsed(run, now),
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
