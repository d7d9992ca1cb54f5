// Reads the log lines of a run, for `logs` and `status`. Those that come later: log-follower.ts.

import type { RunId } from "../../protocol/ids.ts";
import { dbFlag, pipeloomCommand } from "../../protocol/pipeloom-command.ts";
import { type LogLevel, logLevels } from "../../protocol/status.ts";
import { checkTables } from "./check-tables.ts";
import { hasMachines, machineOfAttempt } from "./machine-names.ts";
import { NamedTasks } from "./named-tasks.ts";
import type { Reader, Row } from "./reader.ts";
import { ReaderError } from "./reader-error.ts";
import { type IsAlive, runningRuns } from "./running-runs.ts";
import { storedGraph } from "./stored-graph.ts";
import { itemColumns, storedLabel } from "./stored-item.ts";
import { hasTitle, type Shown } from "../../protocol/label.ts";
import { nameInKey, nameOfKey } from "../../protocol/task-key.ts";
import { findTasks, noTask } from "../task-names.ts";
import { number, storedLogLevel, storedRunId, storedTaskId } from "./stored-values.ts";

export type LogRow = {
  readonly run: RunId;
  /** The task's id and name. */
  readonly id: number;
  readonly task: string;
  /** What tells it from others of its name. */
  readonly label: string | null;
  readonly attempt: number;
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly level: LogLevel;
  readonly line: string;
  /** The machine that wrote it, in a run with an engine. */
  readonly machine?: string;
};

export type LogFilter = {
  readonly run: RunId;
  readonly tasks: TaskFilter;
  /** Lines of this level and above. */
  readonly level: LogLevel;
  readonly matches: (line: string) => boolean;
};

type TaskFilter =
  | { readonly type: "all" }
  | { readonly type: "id"; readonly id: number }
  | {
      readonly type: "name";
      readonly name: string;
      /** No task had the name itself when it was looked up: it is a definition, a title or a label. */
      readonly isTitle: boolean;
      /** The tasks that had the name when it was looked up; undefined if they are too many to list. */
      readonly ids: readonly number[] | undefined;
    };

type LogPage = {
  /** Oldest first. */
  readonly lines: readonly LogRow[];
  /** There are lines before these. */
  readonly hasEarlier: boolean;
};

/** Beyond, reading all lines of the run is faster than looking for the lines of each task. */
const maxIds = 1000;

/**
 * The run that is meant. By default the only one that is running: a continued run has an older id than the last run. Else
 * the last one.
 * @throws ReaderError `no-tables`, `newer-version` or `no-such-run`
 */
export function runToRead(reader: Reader, wanted: RunId | undefined, isAlive: IsAlive): RunId {
  checkTables(reader);
  const { live } = runningRuns(reader, isAlive);
  const run = wanted ?? (live.length === 1 ? live[0] : undefined);
  const [row] =
    run === undefined
      ? reader.query("SELECT MAX(id) AS id FROM pipeline_runs")
      : reader.query("SELECT id FROM pipeline_runs WHERE id = ?", [run]);
  const id = row?.["id"] ?? null;
  if (id !== null) return storedRunId(id, reader);
  throw new ReaderError(
    "no-such-run",
    run === undefined
      ? `${reader.path} has no runs yet`
      : `${reader.path} has no run ${run}; ${pipeloomCommand("runs", ...dbFlag(reader.path))} lists those it has`,
  );
}

/** @param task as in `findTasks`, or an id */
export function tasksNamed(reader: Reader, run: RunId, task: string | undefined): TaskFilter {
  if (task === undefined) return { type: "all" };
  const named = new NamedTasks(reader, run, storedGraph(reader, run));
  const own = named.ids(task, maxIds + 1, false);
  const isTitle = own.length === 0;
  const [, id] = /^#?([1-9]\d{0,14})$/.exec(task) ?? [];
  if (isTitle && id !== undefined) return { type: "id", id: Number(id) };
  const ids = isTitle ? findTasks(reader, run, task, maxIds + 1) : own;
  return { type: "name", name: task, isTitle, ids: ids.length > maxIds ? undefined : ids };
}

/**
 * Why the filter finds no task; undefined if it finds one.
 * @param goesOn the run did so since the filter was made: the task may have come
 */
export function missingTask(
  reader: Reader,
  { run, tasks }: Pick<LogFilter, "run" | "tasks">,
  goesOn: boolean,
): ReaderError | undefined {
  if (tasks.type === "all") return undefined;
  if (tasks.type === "name" && tasks.ids?.length !== 0) return undefined;
  const name = tasks.type === "id" ? `#${tasks.id}` : tasks.name;
  const isNew = goesOn || tasks.type === "id";
  if (isNew && findTasks(reader, run, name, 1).length > 0) return undefined;
  return new ReaderError("no-such-task", noTask(reader, run, name));
}

/** The last `most` lines that pass the filter. */
export function lastLines(reader: Reader, filter: LogFilter, most: number): LogPage {
  const lines: LogRow[] = [];
  let hasEarlier = false;
  for (const { line } of passing(reader, filter, "l.rowid > ?", 0, "DESC")) {
    if (lines.length === most) {
      hasEarlier = true;
      break;
    }
    lines.push(line);
  }
  return { lines: lines.toReversed(), hasEarlier };
}

export type Passed = { readonly row: number; readonly line: LogRow };

/** @param range a condition on `l.rowid`, with one parameter */
export function* passing(
  reader: Reader,
  { run, tasks, level, matches }: LogFilter,
  range: string,
  bound: number,
  order: "ASC" | "DESC",
): Generator<Passed> {
  const levels = logLevels.slice(logLevels.indexOf(level));
  const [whose, params] = conditionOf(tasks);
  // By its index, SQLite would read and sort all lines of the run before it gives the last ones.
  const isByTask = tasks.type === "id" || (tasks.type === "name" && tasks.ids !== undefined);
  const table = isByTask ? "task_logs AS l" : "task_logs AS l NOT INDEXED";
  const { rows } = reader.iterate(
    `SELECT l.rowid AS row, task_id, attempt, at, level, line FROM ${table}
      WHERE run_id = ? AND ${range} AND level IN (${listOf(levels)}) ${whose}
      ORDER BY l.rowid ${order}`,
    [run, bound, ...levels, ...params],
  );
  const onMachines = hasMachines(reader, run);
  for (const row of rows) {
    // Names are read for the lines that are shown, and not for a million that are not.
    if (!matches(String(row["line"]))) continue;
    const task = taskOf(reader, run, storedTaskId(row["task_id"], reader));
    if (!isOf(tasks, task)) continue;
    const line = logRow(reader, run, row, task);
    yield { row: Number(row["row"]), line: onMachines ? withMachine(reader, line) : line };
  }
}

/** What SQL cannot tell. */
const isOf = (tasks: TaskFilter, task: LogTask): boolean =>
  tasks.type !== "name" ||
  !tasks.isTitle ||
  tasks.ids !== undefined ||
  task.name === tasks.name ||
  task.definition === nameInKey(tasks.name) ||
  hasTitle(tasks.name, task);

function conditionOf(
  tasks: TaskFilter,
): readonly [sql: string, params: readonly (number | string)[]] {
  switch (tasks.type) {
    case "all":
      return ["", []];
    case "id":
      return ["AND task_id = ?", [tasks.id]];
    case "name":
      if (tasks.ids !== undefined) return [`AND task_id IN (${listOf(tasks.ids)})`, tasks.ids];
      if (tasks.isTitle) return ["", []];
      return [
        "AND ? = (SELECT name FROM task_runs AS t WHERE t.run_id = l.run_id AND t.id = l.task_id)",
        [tasks.name],
      ];
  }
}

const listOf = (values: readonly unknown[]): string => values.map(() => "?").join(", ");

type LogTask = Shown & { readonly id: number; readonly definition: string };

const logRow = (reader: Reader, run: RunId, row: Row, { id, name, label }: LogTask): LogRow => ({
  run,
  id,
  task: name,
  label,
  attempt: number(row["attempt"]) ?? 0,
  at: String(row["at"]),
  level: storedLogLevel(row["level"], reader),
  line: String(row["line"]),
});

function withMachine(reader: Reader, line: LogRow): LogRow {
  const { run, id: task, attempt, at } = line;
  const machine = machineOfAttempt(reader, run, { task, attempt, at });
  return machine === null ? line : { ...line, machine };
}

function taskOf(reader: Reader, run: RunId, id: number): LogTask {
  const [row] = reader.query(
    `SELECT name, ${itemColumns(reader)} FROM task_runs WHERE run_id = ? AND id = ?`,
    [run, id],
  );
  if (row === undefined) return { id, name: "", label: null, definition: "" };
  const definition = nameOfKey(String(row["key"]));
  return { id, name: String(row["name"]), label: storedLabel(row), definition };
}
