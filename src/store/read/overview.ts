// Reads runs, tasks and counts from pipeloom's own tables, for `status` and `cancel`. A run whose row says `running` but
// that is not alive was interrupted, and so were its running tasks: a killed process cannot write that itself.

import type { Failure } from "../../base/failure.ts";
import type { RunId } from "../../protocol/ids.ts";
import { type RunStatus, runStatuses } from "../../protocol/status.ts";
import type { RunProcess } from "../liveness.ts";
import { checkTables } from "./check-tables.ts";
import { type FailureGroup, failureGroups } from "./failed-tasks.ts";
import type { Reader, Row, Value } from "./reader.ts";
import { ReaderError } from "./reader-error.ts";
import { failure, number, storedRunId, text } from "./stored-values.ts";
import { countByRun, type Counts, noTasks, sum } from "./task-counts.ts";
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
};

export type Overview = {
  /** Newest first. */
  readonly runs: readonly SeenRun[];
  /** Of the newest of `runs`. */
  readonly failures: readonly FailureGroup[];
  /** The newest run's first; within a run, running tasks first, then the latest to end. */
  readonly tasks: readonly SeenTask[];
  /** All tasks in the file, or those of `Question.run`. */
  readonly counts: Counts;
};

/** Whether a run is alive whose row says `running`; see store/liveness.ts. */
type IsAlive = (run: RunProcess) => boolean;

type Question = {
  readonly maxRuns: number;
  readonly maxTasks: number;
  /** Only this run. */
  readonly run?: RunId;
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
  const dead = deadRuns(reader, question.isAlive);
  return reader.snapshot(() => {
    const { maxRuns, run } = question;
    const counts = countByRun(reader, run === undefined ? undefined : [run], dead);
    const rows = run === undefined ? runRows(reader, maxRuns) : runRows(reader, 1, "id = ?", run);
    const runs = rows.map((row) => seenRun(row, reader, dead, counts));
    if (question.run !== undefined && runs.length === 0) throw noSuchRun(reader, question.run);
    const [newest] = runs;
    return {
      runs,
      failures:
        (newest?.counts.error ?? 0) > 0 && newest !== undefined
          ? failureGroups(reader, newest.id)
          : [],
      tasks: listTasks(reader, counts, question.only, question.maxTasks, dead),
      counts: sum([...counts.values()]),
    };
  });
}

const noSuchRun = (reader: Reader, run: RunId): ReaderError =>
  new ReaderError(
    "no-such-run",
    `${reader.path} has no run ${run}; pipeloom status --db ${reader.path} lists those it has`,
  );

export function deadRuns(reader: Reader, isAlive: IsAlive): ReadonlySet<number> {
  // `*`, because a file of version 1 lacks some of the columns.
  const running = reader.query("SELECT * FROM pipeline_runs WHERE status = 'running'");
  return new Set(
    running
      .map((row) => runProcess(row, reader))
      .filter((run) => !isAlive(run))
      .map(({ id }) => id),
  );
}

const runProcess = (row: Row, reader: Reader): RunProcess => ({
  id: storedRunId(row["id"], reader),
  pid: number(row["pid"]),
  host: text(row["host"]),
  processStartedAt: text(row["process_started_at"]),
});

/** Whether the run is running: its row says so, and its process is alive. */
export function isRunning(reader: Reader, run: RunId, isAlive: IsAlive): boolean {
  const [row] = runRows(reader, 1, "id = ?", run);
  return row?.["status"] === "running" && isAlive(runProcess(row, reader));
}

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
    status: runStatus(row["status"], dead.has(id)),
    tasksTotal: number(row["tasks_total"]),
    counts: counts.get(id) ?? noTasks,
    startedAt: String(row["started_at"]),
    finishedAt: text(row["finished_at"]),
    error: failure(row["error"]),
  };
}

function runStatus(value: Value | undefined, isDead: boolean): SeenRun["status"] {
  const status = runStatuses.find((known) => known === value) ?? "error";
  return status === "running" && isDead ? "interrupted" : status;
}
