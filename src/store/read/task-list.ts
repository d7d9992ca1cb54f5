// The tasks that `status` lists.

import { Date, JSON } from "../../base/globals.ts";
import { nameInKey } from "../../protocol/task-key.ts";
import { ofRunWith } from "../own-tables.ts";
import { findTasks } from "../task-names.ts";
import type { Failure } from "../../base/failure.ts";
import type { RunId } from "../../protocol/ids.ts";
import { needsIn } from "../../protocol/needs.ts";
import type { TaskStatus } from "../../protocol/status.ts";
import { earlierAttempts, type SeenAttempt } from "./earlier-attempts.ts";
import { hasColumn } from "./has-column.ts";
import { machineColumn, waitingColumn } from "./machine-names.ts";
import type { Reader, Row } from "./reader.ts";
import { itemColumns, storedLabel } from "./stored-item.ts";
import {
  failure,
  number,
  storedRunId,
  storedTaskId,
  storedTaskStatus,
  text,
} from "./stored-values.ts";
import { costColumns, costsOf, type TaskCosts } from "./task-costs.ts";
import { type Counts, type SeenStatus, totalOf } from "./task-counts.ts";

export type SeenTask = TaskCosts & {
  readonly run: RunId;
  readonly id: number;
  readonly name: string;
  /** What tells it from others of its name. */
  readonly label: string | null;
  readonly status: SeenStatus;
  /** 0..1 */
  readonly progress: number;
  readonly message: string | null;
  readonly attempt: number;
  /** Where that attempt ran, in a run with an engine; null where it ran in the run's own process, or not at all. */
  readonly machine: string | null;
  /** Of a task that waits in a run with an engine: the tags of the workers that may run it. */
  readonly on: readonly string[];
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly error: Failure | null;
  /** `reused from run 12`, or why it ran although an earlier run has its result. */
  readonly reason: string | null;
  /** The last 20 at most, oldest first. */
  readonly earlierAttempts: readonly SeenAttempt[];
};

export type TaskCondition = {
  readonly failed: boolean;
  readonly name: string | undefined;
  /** Epoch ms: tasks that have started or ended since. */
  readonly since: number | undefined;
};

/** Tasks that a title or a label may mean. */
const maxNamed = 10_000;

/** Sorting more tasks than this by time takes too long. Tasks start about in the order of their ids. */
const maxSorted = 20_000;

const columns =
  "run_id, id, name, status, progress, message, attempt, started_at, finished_at, error";
const byTime = "coalesce(finished_at, started_at) DESC, id DESC";

/**
 * At most `most` tasks. Of one run after the other; within a run, running tasks first, then the latest to end.
 * @param runs with their counts
 */
export function listTasks(
  reader: Reader,
  runs: Iterable<readonly [run: number, counts: Counts]>,
  only: TaskCondition | undefined,
  most: number,
  dead: ReadonlySet<number>,
): SeenTask[] {
  const tasks: SeenTask[] = [];
  for (const [run, counts] of runs) {
    if (tasks.length >= most) break;
    const isLarge = totalOf(counts) > maxSorted;
    const order = isLarge ? "id DESC" : byTime;
    const conditions = conditionsOf(reader, run as RunId, only);
    for (const status of statusesOf(only)) {
      const rows = tasksOf(reader, run, status, conditions, order, most - tasks.length);
      const ids = rows.map((row) => storedTaskId(row["id"], reader));
      const attempts = earlierAttempts(reader, run as RunId, ids);
      for (const [i, row] of rows.entries()) {
        tasks.push(seenTask(row, reader, dead, attempts.get(ids[i] ?? 0) ?? []));
      }
    }
  }
  return tasks;
}

type Condition = readonly [sql: string, ...values: (string | number)[]];

/** With the run as `?1`. */
const ofStatus = {
  running: ofRunWith("?1", "running"),
  error: ofRunWith("?1", "error"),
  notRunning: "run_id = ?1 AND status <> 'running'",
};

const statusesOf = (only: TaskCondition | undefined): readonly (keyof typeof ofStatus)[] =>
  only?.failed === true ? ["error"] : ["running", "notRunning"];

/** The ids of a name that more tasks have are not listed. */
function conditionOf(reader: Reader, run: RunId, name: string): Condition {
  const ids = findTasks(reader, run, name, maxNamed);
  const listed: Condition = ["id IN (SELECT value FROM json_each(?))", JSON.stringify(ids)];
  if (ids.length < maxNamed) return listed;
  const one = "SELECT 1 FROM task_runs WHERE run_id = ? AND id = ? AND name = ?";
  if (reader.query(one, [run, ids[0] ?? 0, name]).length > 0) return ["name = ?", name];
  const inKey = nameInKey(name);
  const isOfDefinition = "substr(key, 1, length(?) + 1) = ? || ':'";
  return [`(${isOfDefinition} OR ${listed[0]})`, inKey, inKey, ...listed.slice(1)];
}

function conditionsOf(
  reader: Reader,
  run: RunId,
  only: TaskCondition | undefined,
): readonly Condition[] {
  const conditions: Condition[] = [];
  if (only?.name !== undefined) conditions.push(conditionOf(reader, run, only.name));
  if (only?.since !== undefined) {
    conditions.push(["coalesce(finished_at, started_at) >= ?", new Date(only.since).toISOString()]);
  }
  return conditions;
}

/** Sorts keys first and reads the rows second: otherwise the sort would hold every task's texts. */
function tasksOf(
  reader: Reader,
  run: number,
  status: keyof typeof ofStatus,
  only: readonly Condition[],
  order: string,
  most: number,
): Row[] {
  const where = [ofStatus[status], ...only.map(([sql]) => sql)].join(" AND ");
  const values = only.flatMap(([, ...rest]) => rest);
  return reader.query(
    `SELECT ${columns}, ${itemColumns(reader)}${hasColumn(reader, "task_runs", "reason") ? ", reason" : ""}, ${costColumns(reader)},
        ${machineColumn(reader, "task_runs")}, ${waitingColumn(reader, "task_runs")} FROM task_runs
      WHERE run_id = ?1 AND id IN (SELECT id FROM task_runs WHERE ${where} ORDER BY ${order} LIMIT ?)
      ORDER BY ${order}`,
    [run, ...values, most],
  );
}

function seenTask(
  row: Row,
  reader: Reader,
  dead: ReadonlySet<number>,
  attempts: readonly SeenAttempt[],
): SeenTask {
  const run = storedRunId(row["run_id"], reader);
  return {
    run,
    id: storedTaskId(row["id"], reader),
    name: String(row["name"]),
    label: storedLabel(row),
    status: seenStatus(storedTaskStatus(row["status"], reader), dead.has(run)),
    progress: number(row["progress"]) ?? 0,
    message: text(row["message"]),
    attempt: number(row["attempt"]) ?? 0,
    machine: text(row["machine_name"]),
    on: needsIn(text(row["waits_for"]) ?? "").tags,
    startedAt: text(row["started_at"]),
    finishedAt: text(row["finished_at"]),
    error: failure(row["error"]),
    reason: text(row["reason"]),
    ...costsOf(row),
    earlierAttempts: attempts,
  };
}

const seenStatus = (status: TaskStatus, isDead: boolean): SeenStatus =>
  status === "running" && isDead ? "interrupted" : status;
