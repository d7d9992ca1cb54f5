// The output of `status`, as text and as data. Pure.
//
// `--format json`, one object. Times are ISO 8601 UTC, durations milliseconds (until now while running), null when absent:
//
//   { "version": 1, "db": "/abs/pipeloom.db", "at": time,
//     "runs": [{ "id", "pipeline", "file", "params": {…}, "status", "tasksTotal", "counts": {…}, "startedAt", "finishedAt",
//                "durationMs", "pid", "host", "error", "trigger", "version",
//                "scheduledFor", "previousSlot", "engine" }],
//                                                            five: running ones first, then newest first; or the run of --run
//     "failures": [{ "message", "count", "tasks": [{ "id", "name", "label", "attempt", "machine", "error", "earlierAttempts" }],
//                    "logs": [{ "at", "level", "line" }] }],   of the first of `runs`, by message; the first three tasks of each
//     "tasks": [{ "run", "id", "name", "label", "status", "progress": 0..1, "message", "reason", "attempt", "machine", "on": [tag, …],
//                 "startedAt", "finishedAt", "durationMs", "error", "rows", "cpuMs", "waitedMs", "earlierAttempts" }],   at most --limit
//     "definitions": [{ "name", "tasks", "medianMs", "maxMs", "rows", "cpuMs", "cpuTasks", "medianWaitedMs", "maxWaitedMs" }],
//                                                   only with --run: its tasks that have begun, by definition
//     "counts": { "queued", "running", "interrupted", "done", "error", "cancelled", "skipped" } }
//
// `label` tells a task from others of its name: the author's, or the scalars of its input; or null.
// `engine` is "threads", or where its workers are; `machine` is null where it is the run's own.
// `on`: of a task that waits in a run with an engine, the tags of the workers that may run it.
// `earlierAttempts`: [{ "attempt", "worker", "machine", "startedAt", "finishedAt", "outcome", "error" }], the last 20, oldest first. The
// last attempt of all is the task itself; while it waits for the next one, both. `error` is null or { "name", "message", … }.
// The top-level `counts` are of the whole database, or of the run of --run.
// `interrupted`: the process that ran it is dead. JSON Schema: .github/schemas/status.v1.schema.json.

import { Date } from "../base/globals.ts";
import { failureLine } from "../base/failure.ts";
import { engineOf, type Overview, type SeenRun } from "../store/read/overview.ts";
import { type Counts, totalOf } from "../store/read/task-counts.ts";
import type { SeenTask } from "../store/read/task-list.ts";
import { titleOf } from "../protocol/label.ts";
import { tagWords } from "../protocol/tags.ts";
import { dbFlag, pathWord, pipeloomCommand } from "../protocol/pipeloom-command.ts";
import { resumeFlag } from "../protocol/rerun-command.ts";
import { goOnWords } from "./go-on-words.ts";
import { localTime } from "../base/relative-time.ts";
import { type Column, tableLines } from "../terminal/text-table.ts";
import { fit, visible } from "../base/text.ts";
import { userFrame } from "../base/thrown-at.ts";
import type { Glyphs } from "../terminal/glyphs.ts";
import { failureLines } from "./failures-view.ts";
import { costTable } from "./costs-view.ts";
import { attemptTable } from "./attempts-view.ts";
import {
  ago,
  doneOf,
  elapsed,
  firstLine,
  runData,
  runTable,
  shownOrder,
  statusCell,
  type TableView,
  took,
  withoutEmptyColumns,
} from "./run-table.ts";

export type ViewOptions = TableView & {
  /** As the user typed it. */
  readonly db: string;
  readonly glyphs: Glyphs;
  /** Show one run with all its fields. */
  readonly detailed: boolean;
  /** Show the earlier attempts of the tasks. */
  readonly withAttempts: boolean;
};

// ── data ───────────────────────────────────────────────────────────────────────────────────────────────

const statusVersion = 1;

export const statusData = (seen: Overview, db: string, now: number): object => ({
  version: statusVersion,
  db,
  at: new Date(now).toISOString(),
  runs: seen.runs.map((run) => runData(run, now)),
  failures: seen.failures.map(({ message, tasks, count, logs }) => ({
    message,
    count,
    tasks: tasks.map(({ failure, ...task }) => ({ ...task, error: failure })),
    logs: logs.map(({ at, level, line }) => ({ at, level, line })),
  })),
  tasks: seen.tasks.map((task) => ({ ...task, durationMs: elapsed(task, now) })),
  ...(seen.definitions === null ? undefined : { definitions: seen.definitions }),
  counts: seen.counts,
});

// ── text ───────────────────────────────────────────────────────────────────────────────────────────────

export function statusLines(seen: Overview, options: ViewOptions): string[] {
  if (seen.runs.length === 0) return [`${visible(options.db)} has no runs yet`];
  const [first] = seen.runs;
  const parts = [
    options.detailed && first !== undefined
      ? runDetails(first, options)
      : runTable(seen.runs, options),
    failuresOf(seen, options),
    costTable(seen.definitions ?? [], options),
    seen.tasks.length === 0 ? [] : taskTable(seen, options),
    options.withAttempts ? attemptTable(seen.tasks, options) : [],
    [countsLine(seen.counts), ...interruptedHints(seen.runs, options)].map((line) =>
      fit(line, options.width),
    ),
  ];
  return parts
    .filter((part) => part.length > 0)
    .flatMap((part, i) => (i === 0 ? part : ["", ...part]));
}

/** Before the tasks: a failure is what a person looks for first. */
const failuresOf = ({ runs: [run], failures }: Overview, options: ViewOptions): string[] =>
  failureLines(failures, {
    ...options,
    placeOf: (stack) => userFrame(stack, run?.file ?? ""),
  });

function runDetails(run: SeenRun, { now, width, colors }: ViewOptions): string[] {
  const time = took(run, now);
  const facts: readonly (readonly [string, string | null])[] = [
    ["run", `${run.id}, ${run.status}`],
    ["pipeline", run.pipeline],
    ["file", run.file],
    ["params", run.params === "{}" ? null : run.params],
    ["done", doneOf(run)],
    ["slot", run.scheduledFor === null ? null : localTime(Date.parse(run.scheduledFor))],
    ["started", `${localTime(Date.parse(run.startedAt))}${time === "" ? "" : ` (${time})`}`],
    ["process", run.pid === null ? null : `${run.pid} on ${run.host ?? "an unknown host"}`],
    ["begun by", begunBy(run)],
    ["engine", engineOf(run)],
    ["error", run.error === null ? null : firstLine(failureLine(run.error))],
  ];
  return facts
    .filter(([, value]) => value !== null)
    .map(([name, value]) => fit(`${colors.dim(name.padEnd(9))} ${visible(value ?? "")}`, width));
}

function begunBy({ trigger, version }: SeenRun): string | null {
  if (trigger === null || version === null) return null;
  const who =
    { cli: "the command line", library: "a program", page: "the page" }[trigger] ?? trigger;
  return `${who}, pipeloom ${version}`;
}

const taskColumns: readonly Column[] = [
  { title: "RUN", align: "right", optional: 4 },
  { title: "ID", align: "right" },
  { title: "TASK", shrinkTo: 20, cut: "middle" },
  { title: "STATUS" },
  { title: "AT", align: "right", optional: 2 },
  { title: "TRY", align: "right", optional: 5 },
  { title: "MACHINE", shrinkTo: 8, optional: 4 },
  { title: "STARTED", optional: 3 },
  { title: "TIME", align: "right", optional: 1 },
  { title: "MESSAGE", shrinkTo: 16 },
];

const taskTable = ({ tasks }: Overview, { now, width, colors }: ViewOptions): string[] =>
  tableLines(
    withoutEmptyColumns(
      taskColumns,
      tasks.map((task) => [
        String(task.run),
        String(task.id),
        titleOf(task.name, task.label),
        statusCell(task.status, colors),
        percentOf(task),
        task.attempt > 1 ? String(task.attempt) : "",
        task.machine ?? "",
        task.startedAt === null ? "" : ago(task.startedAt, now),
        took(task, now),
        remark(task),
      ]),
    ),
    { width, colors },
  );

/** A task that is done may have reported less. */
function percentOf({ status, progress }: SeenTask): string {
  if (status === "done") return "100%";
  return progress > 0 ? `${Math.floor(progress * 100)}%` : "";
}

const remark = ({ error, message, reason, on }: SeenTask): string => {
  if (error !== null) return firstLine(failureLine(error));
  if (on.length > 0) return `only on workers with ${tagWords(on)}`;
  return firstLine(message ?? reason ?? "");
};

function countsLine(counts: Counts): string {
  const total = totalOf(counts);
  const parts = shownOrder
    .filter((status) => counts[status] > 0)
    .map((status) => `${counts[status]} ${status}`);
  return `${total} ${total === 1 ? "task" : "tasks"}${total === 0 ? "" : `: ${parts.join(", ")}`}`;
}

/** What to type next. A built-in pipeline continues when the same command is typed again. */
const interruptedHints = (runs: readonly SeenRun[], { db }: ViewOptions): string[] =>
  runs
    .filter(({ status }) => status === "interrupted")
    .slice(0, 1)
    .map((run) =>
      run.file === null
        ? `run ${run.id} was interrupted; to continue it, type the same command again`
        : `run ${run.id} was interrupted; to continue it: ${visible(goOnCommand(run, run.file, db))}`,
    );

function goOnCommand(run: SeenRun, file: string, db: string): string {
  const words = goOnWords(pathWord(file), run);
  return pipeloomCommand("run", ...words, ...dbFlag(db), ...resumeFlag(words, run.id));
}
