// What the file says about why a task of a run ran, or did not: for `why`. Reads a few rows, also of a run with a million tasks.

import type { Failure } from "../../base/failure.ts";
import { JSON } from "../../base/globals.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { DefinitionParts } from "../../protocol/reuse.ts";
import type { TaskStatus } from "../../protocol/status.ts";
import { nameOfKey } from "../../protocol/task-key.ts";
import { partsIn } from "../known-parts.ts";
import { isLeftSql } from "../left-rows.ts";
import { codeReason } from "../rerun-reasons.ts";
import { findTasks, noTask } from "../task-names.ts";
import { hasColumn } from "./has-column.ts";
import { storedLabel } from "./stored-item.ts";
import { checkTables } from "./check-tables.ts";
import { ReaderError } from "./reader-error.ts";
import { machineColumn } from "./machine-names.ts";
import type { Reader, Row } from "./reader.ts";
import { storedGraph } from "./stored-graph.ts";
import { type NeededTask, NeedsReader, type TaskNeeds } from "./task-needs.ts";
import { storedSource } from "./stored-source.ts";
import { failure, number, storedTaskId, storedTaskStatus, text } from "./stored-values.ts";

export type WhyTask = {
  readonly run: RunId;
  readonly pipeline: string;
  readonly task: SeenTask;
  /** Other tasks of the run have the name too. */
  readonly isOneOfSeveral: boolean;
  /** Undefined where the code of the run's tasks is not known. */
  readonly definition: SeenDefinition | undefined;
  /** The same definition in the last run of the pipeline before. */
  readonly before: SeenDefinition | undefined;
  /** The task of the same name in that run, where there is one only. */
  readonly taskBefore: Pick<SeenTask, "key" | "input"> | undefined;
  /** Of definitions with `reuse`: how many of the run's results are its own, and from earlier runs. */
  readonly results: { readonly own: number; readonly reused: number } | undefined;
  /** An earlier run has a result with this input, that could be taken. */
  readonly hasEarlier: boolean;
  readonly needs: TaskNeeds;
  /** Tasks that failed: the task was skipped, or waits, because of them. */
  readonly culprits: readonly NeededTask[];
  /** The definition in an earlier session of this run: the task ran again because its code was edited in between. */
  readonly sessionBefore: SeenDefinition | undefined;
};

type SeenTask = {
  readonly id: number;
  readonly name: string;
  /** What tells it from others of its name. */
  readonly label: string | null;
  readonly definition: string;
  readonly key: string;
  readonly status: TaskStatus;
  readonly attempt: number;
  /** The machine that it ran on; null where it is the run's own. */
  readonly machine: string | null;
  readonly reason: string | null;
  /** JSON text, perhaps only its beginning; null where it is not stored. */
  readonly input: string | null;
  readonly failure: Failure | null;
};

type SeenDefinition = {
  readonly run: RunId;
  readonly fingerprint: string;
  readonly alike: number | null;
  readonly parts: DefinitionParts;
  /** The code; undefined where it is not stored. */
  readonly source: string | undefined;
};

/**
 * @param wanted as in `findTasks`
 * @throws ReaderError `no-such-task`; `no-reasons` for a file of an earlier version
 */
export function whyTask(reader: Reader, run: RunId, wanted: string): WhyTask {
  checkTables(reader);
  assertReasons(reader);
  const [row, other] = tasksOf(reader, run, wanted);
  if (row === undefined) {
    throw new ReaderError("no-such-task", noTask(reader, run, wanted));
  }
  const task = seenTask(reader, row);
  const pipeline = String(
    reader.query("SELECT pipeline FROM pipeline_runs WHERE id = ?", [run])[0]?.["pipeline"],
  );
  const definition = definitionOf(reader, run, task.definition);
  const before = definitionBefore(reader, run, pipeline, task.definition);
  const needsReader = new NeedsReader(reader, run, storedGraph(reader, run));
  const needs = needsReader.of(text(row["needs"]), task.definition);
  return {
    run,
    pipeline,
    task,
    isOneOfSeveral: other !== undefined,
    definition,
    before,
    taskBefore:
      other === undefined && before !== undefined ? onlyTask(reader, before, task) : undefined,
    results: resultsOf(reader, run, task.definition, definition),
    hasEarlier: hasEarlier(reader, run, task, definition),
    needs,
    culprits: task.status === "done" ? [] : needsReader.failuresBehind(needs),
    sessionBefore: sessionBefore(reader, run, task),
  };
}

function assertReasons(reader: Reader): void {
  if (hasColumn(reader, "task_runs", "needs")) return;
  throw new ReaderError(
    "no-reasons",
    `${reader.path} was written by an earlier pipeloom, which did not record why tasks ran; the next run brings it up to date`,
  );
}

/** Of one name: it may have had other inputs in earlier sessions. */
const maxOfName = 100;

/** Those that the last session planned come first. */
const tasksOf = (reader: Reader, run: RunId, wanted: string): readonly Row[] => {
  const ids = JSON.stringify(findTasks(reader, run, wanted, maxOfName));
  return reader.query(
    `SELECT *, ${machineColumn(reader, "task_runs")} FROM task_runs WHERE run_id = ? AND id IN (SELECT value FROM json_each(?)) ORDER BY ${isLeftSql}, id LIMIT 2`,
    [run, ids],
  );
};

function seenTask(reader: Reader, row: Row): SeenTask {
  const key = String(row["key"]);
  return {
    id: storedTaskId(row["id"], reader),
    name: String(row["name"]),
    label: "input" in row ? storedLabel(row) : null,
    // A task that was never ready has no hash in its key.
    definition: key.includes(":") ? nameOfKey(key) : key,
    key,
    status: storedTaskStatus(row["status"], reader),
    attempt: number(row["attempt"]) ?? 0,
    machine: text(row["machine_name"]),
    reason: text(row["reason"]),
    input: text(row["input"]),
    failure: row["error"] === null ? null : failure(row["error"]),
  };
}

const definitionSql = `SELECT d.run_id, d.fingerprint, d.alike, d.parts, s.source FROM pipeloom_definitions AS d
  LEFT JOIN pipeloom_sources AS s ON s.fingerprint = d.fingerprint`;

function definitionOf(reader: Reader, run: RunId, name: string): SeenDefinition | undefined {
  const [row] = reader.query(`${definitionSql} WHERE d.run_id = ? AND d.name = ?`, [run, name]);
  return row === undefined ? undefined : seenDefinition(row);
}

function definitionBefore(
  reader: Reader,
  run: RunId,
  pipeline: string,
  name: string,
): SeenDefinition | undefined {
  const [row] = reader.query(
    `${definitionSql} JOIN pipeline_runs AS r ON r.id = d.run_id
      WHERE d.name = ? AND d.run_id < ? AND r.pipeline = ? ORDER BY d.run_id DESC LIMIT 1`,
    [name, run, pipeline],
  );
  return row === undefined ? undefined : seenDefinition(row);
}

/** The code has changed between two sessions of the run, and the task has run again because of it. */
function sessionBefore(
  reader: Reader,
  run: RunId,
  { definition, reason }: SeenTask,
): SeenDefinition | undefined {
  if (reason !== codeReason) return undefined;
  const [row] = reader.query(
    `SELECT d.run_id, d.earlier AS fingerprint, NULL AS alike, NULL AS parts, s.source FROM pipeloom_definitions AS d
      LEFT JOIN pipeloom_sources AS s ON s.fingerprint = d.earlier
      WHERE d.run_id = ? AND d.name = ? AND d.earlier IS NOT NULL`,
    [run, definition],
  );
  return row === undefined ? undefined : seenDefinition(row);
}

function seenDefinition(row: Row): SeenDefinition {
  return {
    run: number(row["run_id"]) as RunId,
    fingerprint: String(row["fingerprint"]),
    alike: number(row["alike"]),
    parts: partsIn(text(row["parts"])) ?? {},
    source: storedSource(row["source"]),
  };
}

function onlyTask(
  reader: Reader,
  { run }: SeenDefinition,
  { name }: SeenTask,
): WhyTask["taskBefore"] {
  const [row, other] = tasksOf(reader, run, name);
  return row === undefined || other !== undefined ? undefined : seenTask(reader, row);
}

function resultsOf(
  reader: Reader,
  run: RunId,
  name: string,
  definition: SeenDefinition | undefined,
): WhyTask["results"] {
  if (definition?.alike === undefined || definition.alike === null) return undefined;
  const [row] = reader.query(
    `SELECT COUNT(*) AS results, COUNT(from_run) AS reused FROM pipeloom_reusable
      WHERE run_id = ?1 AND substr(key, 1, length(?2) + 1) = ?2 || ':'`,
    [run, name],
  );
  const reused = number(row?.["reused"]) ?? 0;
  return { own: (number(row?.["results"]) ?? 0) - reused, reused };
}

function hasEarlier(
  reader: Reader,
  run: RunId,
  { key }: SeenTask,
  definition: SeenDefinition | undefined,
): boolean {
  if (definition?.alike === undefined || definition.alike === null) return false;
  const one = "SELECT 1 FROM pipeloom_reusable WHERE key = ? AND alike = ? AND run_id < ? LIMIT 1";
  return reader.query(one, [key, definition.alike, run]).length > 0;
}
