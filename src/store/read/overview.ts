// Reads runs, tasks and counts from pipeloom's own tables, for `status` and `cancel`. A run whose row says `running` but
// that is not alive was interrupted, and so were its running tasks: a killed process cannot write that itself.

import type { Failure } from "../../base/failure.ts";
import type { RunId } from "../../protocol/ids.ts";
import { dbFlag, pipeloomCommand } from "../../protocol/pipeloom-command.ts";
import { threadsEngine } from "../../protocol/run-request.ts";
import type { RunStatus } from "../../protocol/status.ts";
import type { RunProcess } from "../liveness.ts";
import { checkTables } from "./check-tables.ts";
import { type FailureGroup, failureGroups } from "./failed-tasks.ts";
import type { Reader, Row } from "./reader.ts";
import { ReaderError } from "./reader-error.ts";
import { type IsAlive, runningRuns, runProcess } from "./running-runs.ts";
import { failure, number, storedRunStatus, text } from "./stored-values.ts";
import { countByRun, type Counts, noTasks, sum } from "./task-counts.ts";
import { type DefinitionCosts, definitionCosts } from "./task-costs.ts";
import { listTasks, type SeenTask, type TaskCondition } from "./task-list.ts";

export type SeenRun = RunProcess & {
  readonly pipeline: string;
  readonly file: string | null;
  /** JSON text. */
  readonly params: string;
  readonly status: RunStatus | "interrupted";
  readonly tasksTotal: number | null;
  readonly counts: Counts;
  /** Times are ISO 8601 UTC, as in the file. */
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly error: Failure | null;
  /** `cli`, `library`: who began the last session. Null: not known, an earlier version of pipeloom ran it. */
  readonly trigger: string | null;
  /** Pipeloom's, of the last session. */
  readonly version: string | null;
  /** The slot of its schedule that the run is for, and the last one before it that was done when it began. */
  readonly scheduledFor: string | null;
  readonly previousSlot: string | null;
  /** Where its tasks ran: `threads`, or the address of an engine. Null: not known, an earlier version of pipeloom ran it. */
  readonly engine: string | null;
};

export type Overview = {
  /** Running ones first, as a continued run may be old; then newest first. */
  readonly runs: readonly SeenRun[];
  /** Of the first of `runs`. */
  readonly failures: readonly FailureGroup[];
  /** Of the run that was asked for, where `hasCosts`; null otherwise, because every task of it is read. */
  readonly definitions: readonly DefinitionCosts[] | null;
  /** Ordered as `runs`; within a run, running tasks first, then the latest to end. */
  readonly tasks: readonly SeenTask[];
  /** All tasks in the file, or those of `Question.run`. */
  readonly counts: Counts;
};

type Question = {
  readonly maxRuns: number;
  readonly maxTasks: number;
  /** Only this run. */
  readonly run?: RunId;
  readonly hasCosts?: boolean;
  /** Which of the tasks are listed; the counts are of all. */
  readonly only?: TaskCondition;
  readonly isAlive: IsAlive;
};

/**
 * Runs, tasks and counts of one state of the file.
 *
 * @throws ReaderError `no-tables`, `newer-version` or `no-such-run`
 */
export function overview(reader: Reader, question: Question): Overview {
  checkTables(reader);
  // Liveness first, rows second. A run commits its end before it frees its lock: a free lock followed by a row that says
  // `running` is a dead run. In the other order, a run that ends in between would look dead.
  const { live, dead } = runningRuns(reader, question.isAlive);
  return reader.snapshot(() => {
    const { maxRuns, run, hasCosts = false } = question;
    const counts = countByRun(reader, run === undefined ? undefined : [run], dead);
    const rows =
      run === undefined ? latestRows(reader, maxRuns, live) : runRows(reader, 1, "id = ?", run);
    const runs = rows.map((row) => seenRun(row, reader, dead, counts));
    if (question.run !== undefined && runs.length === 0) throw noSuchRun(reader, question.run);
    const [first] = runs;
    return {
      runs,
      failures:
        (first?.counts.error ?? 0) > 0 && first !== undefined
          ? failureGroups(reader, first.id)
          : [],
      definitions: run === undefined || !hasCosts ? null : definitionCosts(reader, run),
      tasks: listTasks(reader, inOrder(counts, live), question.only, question.maxTasks, dead),
      counts: sum([...counts.values()]),
    };
  });
}

const noSuchRun = (reader: Reader, run: RunId): ReaderError =>
  new ReaderError(
    "no-such-run",
    `${reader.path} has no run ${run}; ${pipeloomCommand("status", ...dbFlag(reader.path))} lists those it has`,
  );

// ── rows ───────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Rows of runs, newest first.
 * @param where a condition with one parameter
 */
export function runRows(
  reader: Reader,
  most: number,
  where?: string,
  param?: string | number,
): Row[] {
  return reader.query(
    `SELECT * FROM pipeline_runs ${where === undefined ? "" : `WHERE ${where}`} ORDER BY id DESC LIMIT ?`,
    param === undefined ? [most] : [param, most],
  );
}

/** Running runs first, then the newest. */
const latestRows = (reader: Reader, most: number, live: readonly RunId[]): Row[] =>
  reader.query(
    `SELECT * FROM pipeline_runs ORDER BY id IN (${live.join(", ")}) DESC, id DESC LIMIT ?`,
    [most],
  );

/** In the order of `latestRows`. */
const inOrder = (
  counts: ReadonlyMap<number, Counts>,
  live: readonly number[],
): readonly (readonly [run: number, counts: Counts])[] =>
  [...counts].toSorted(([a], [b]) => Number(live.includes(b)) - Number(live.includes(a)) || b - a);

/** The engine's address. Null: the tasks ran in the run's own process, as those of most runs do. */
export const engineOf = ({ engine }: Pick<SeenRun, "engine">): string | null =>
  engine === threadsEngine ? null : engine;

export function seenRun(
  row: Row,
  reader: Reader,
  dead: ReadonlySet<number>,
  counts: ReadonlyMap<number, Counts>,
): SeenRun {
  const process = runProcess(row, reader);
  const { id } = process;
  return {
    ...process,
    pipeline: String(row["pipeline"]),
    file: text(row["file"]),
    params: text(row["params"]) ?? "{}",
    status: seenStatus(storedRunStatus(row["status"], reader), dead.has(id)),
    tasksTotal: number(row["tasks_total"]),
    counts: counts.get(id) ?? noTasks,
    startedAt: String(row["started_at"]),
    finishedAt: text(row["finished_at"]),
    error: failure(row["error"]),
    trigger: text(row["trigger"]),
    version: text(row["version"]),
    scheduledFor: text(row["scheduled_for"]),
    previousSlot: text(row["previous_slot"]),
    engine: text(row["engine"]),
  };
}

const seenStatus = (status: RunStatus, isDead: boolean): SeenRun["status"] =>
  status === "running" && isDead ? "interrupted" : status;
