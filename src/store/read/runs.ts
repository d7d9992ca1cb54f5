// What `status` and everything that looks asks of pipeloom's own tables. A run whose row says `running` and that is not
// alive was interrupted, and so were the tasks it had in hand: the file cannot say so, for who was killed writes nothing.

import { JSON } from "../../base/globals.ts";
import type { Failure } from "../../base/failure.ts";
import { type RunId, runId } from "../../protocol/ids.ts";
import {
  type RunStatus,
  runStatuses,
  type TaskStatus,
  taskStatuses,
} from "../../protocol/status.ts";
import type { Reader, Row, Value } from "./query.ts";
import { ReaderError } from "./reader-error.ts";

/** The newest version of pipeloom's tables that is understood here; see writer/migrate.ts. */
export const knownVersion = 2;

export type SeenStatus = TaskStatus | "interrupted";
export type Counts = { readonly [status in SeenStatus]: number };

/** The process of a run's last session, as its row says. */
export type SeenProcess = {
  readonly id: RunId;
  readonly pid: number | null;
  readonly host: string | null;
  /** Only to be compared; null in a file of version 1. */
  readonly processStartedAt: string | null;
};

export type SeenRun = SeenProcess & {
  readonly pipeline: string;
  readonly file: string | null;
  /** JSON text. */
  readonly params: string;
  readonly status: RunStatus | "interrupted";
  readonly tasksTotal: number | null;
  readonly counts: Counts;
  /** ISO 8601 UTC, as in the file; likewise below. */
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly error: Failure | null;
};

export type SeenTask = {
  readonly run: RunId;
  readonly id: number;
  readonly name: string;
  readonly status: SeenStatus;
  /** 0..1 */
  readonly progress: number;
  readonly message: string | null;
  readonly attempt: number;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly error: Failure | null;
};

export type Overview = {
  /** Newest first. */
  readonly runs: readonly SeenRun[];
  /** Of the newest run first; in a run what runs, then what ended last. */
  readonly tasks: readonly SeenTask[];
  /** Of all tasks in the file, or of those of the one run that was asked for. */
  readonly counts: Counts;
};

export type Question = {
  readonly maxRuns: number;
  readonly maxTasks: number;
  /** Only this run. */
  readonly run?: RunId;
  /** Whether a run whose row says `running` is: writer/liveness.ts knows. */
  readonly isAlive: (run: SeenProcess) => boolean;
};

/**
 * Everything that is shown at once, of one state of the file.
 *
 * @throws ReaderError `no-tables`, `newer-version` or `no-such-run`
 */
export function overview(reader: Reader, question: Question): Overview {
  checkTables(reader);
  // Before the rows are read: a run commits its end and then frees its lock, so that a free lock and, later, a row that
  // still says `running` are a dead run. The other way round, one that ended in between would look dead.
  const dead = deadRuns(reader, question);
  return reader.snapshot(() => {
    const counts = countByRun(reader, question.run, dead);
    const runs = readRuns(reader, question, dead, counts);
    if (question.run !== undefined && runs.length === 0) throw noSuchRun(reader, question.run);
    return {
      runs,
      tasks: readTasks(reader, question, dead),
      counts: sum([...counts.values()]),
    };
  });
}

/** JSON text of what a task came to; null when it has none. */
export function taskResult(reader: Reader, run: RunId, task: number): string | null {
  const sql = "SELECT result FROM task_runs WHERE run_id = ? AND id = ?";
  return text(reader.query(sql, [run, task])[0]?.["result"]);
}

function checkTables(reader: Reader): void {
  const tables = reader.query(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('pipeloom_schema', 'pipeline_runs', 'task_runs')",
  );
  if (tables.length < 3) {
    throw new ReaderError(
      "no-tables",
      `${reader.path} has no tables of pipeloom's; run a pipeline with --db ${reader.path}, or make them with pipeloom init-db`,
    );
  }
  const version = number(reader.query("SELECT version FROM pipeloom_schema")[0]?.["version"]) ?? 0;
  if (version > knownVersion) {
    throw new ReaderError(
      "newer-version",
      `${reader.path} was written by a newer pipeloom (its tables have version ${version}, this one knows up to ${knownVersion}); update pipeloom`,
    );
  }
}

const noSuchRun = (reader: Reader, run: RunId): ReaderError =>
  new ReaderError(
    "no-such-run",
    `${reader.path} has no run ${run}; pipeloom status --db ${reader.path} lists those it has`,
  );

function deadRuns(reader: Reader, { isAlive }: Question): ReadonlySet<number> {
  // Every column: a file of version 1 lacks one of them.
  const running = reader.query("SELECT * FROM pipeline_runs WHERE status = 'running'");
  return new Set(
    running
      .map(seenProcess)
      .filter((run) => !isAlive(run))
      .map(({ id }) => id),
  );
}

const seenProcess = (row: Row): SeenProcess => ({
  id: runId(Number(row["id"])),
  pid: number(row["pid"]),
  host: text(row["host"]),
  processStartedAt: text(row["process_started_at"]),
});

// ── counts ─────────────────────────────────────────────────────────────────────────────────────────────

const none: Counts = {
  queued: 0,
  running: 0,
  interrupted: 0,
  done: 0,
  error: 0,
  cancelled: 0,
  skipped: 0,
};

/** One pass in the order of the key: grouping by status would sort a million rows, which takes three times as long. */
const countColumns = taskStatuses
  .map((status) => `COUNT(*) FILTER (WHERE status = '${status}') AS "${status}"`)
  .join(", ");

function countByRun(
  reader: Reader,
  run: RunId | undefined,
  dead: ReadonlySet<number>,
): Map<number, Counts> {
  const [where, params] = run === undefined ? ["", []] : ["WHERE run_id = ?", [run]];
  const rows = reader.query(
    `SELECT run_id, ${countColumns} FROM task_runs ${where} GROUP BY run_id`,
    params,
  );
  return new Map(
    rows.map((row) => [Number(row["run_id"]), countsOf(row, dead.has(Number(row["run_id"])))]),
  );
}

function countsOf(row: Row, isDead: boolean): Counts {
  const counts = { ...none };
  for (const status of taskStatuses) counts[status] = number(row[status]) ?? 0;
  return isDead ? { ...counts, running: 0, interrupted: counts.running } : counts;
}

function sum(all: readonly Counts[]): Counts {
  const total = { ...none };
  for (const counts of all) {
    for (const status of [...taskStatuses, "interrupted"] as const) total[status] += counts[status];
  }
  return total;
}

// ── rows ───────────────────────────────────────────────────────────────────────────────────────────────

function readRuns(
  reader: Reader,
  { maxRuns, run }: Question,
  dead: ReadonlySet<number>,
  counts: ReadonlyMap<number, Counts>,
): SeenRun[] {
  const [where, params] = run === undefined ? ["", [maxRuns]] : ["WHERE id = ?", [run, maxRuns]];
  const rows = reader.query(
    `SELECT * FROM pipeline_runs ${where} ORDER BY id DESC LIMIT ?`,
    params,
  );
  return rows.map((row) => seenRun(row, dead, counts));
}

function seenRun(
  row: Row,
  dead: ReadonlySet<number>,
  counts: ReadonlyMap<number, Counts>,
): SeenRun {
  const process = seenProcess(row);
  const { id } = process;
  return {
    ...process,
    pipeline: String(row["pipeline"]),
    file: text(row["file"]),
    params: text(row["params"]) ?? "{}",
    status: runStatus(row["status"], dead.has(id)),
    tasksTotal: number(row["tasks_total"]),
    counts: counts.get(id) ?? none,
    startedAt: String(row["started_at"]),
    finishedAt: text(row["finished_at"]),
    error: failure(row["error"]),
  };
}

const taskOrder =
  "ORDER BY run_id DESC, status = 'running' DESC, coalesce(finished_at, started_at) DESC, id DESC";

/** Sorted by the keys alone, and only then read: what is sorted would otherwise hold every task's texts. */
const taskSql = (where: string): string =>
  `SELECT run_id, id, name, status, progress, message, attempt, started_at, finished_at, error
    FROM task_runs
    WHERE (run_id, id) IN (SELECT run_id, id FROM task_runs ${where} ${taskOrder} LIMIT ?)
    ${taskOrder}`;

function readTasks(
  reader: Reader,
  { maxTasks, run }: Question,
  dead: ReadonlySet<number>,
): SeenTask[] {
  const [where, params] =
    run === undefined ? ["", [maxTasks]] : ["WHERE run_id = ?", [run, maxTasks]];
  const rows = reader.query(taskSql(where), params);
  return rows.map((row) => seenTask(row, dead));
}

function seenTask(row: Row, dead: ReadonlySet<number>): SeenTask {
  const run = runId(Number(row["run_id"]));
  return {
    run,
    id: Number(row["id"]),
    name: String(row["name"]),
    status: seenStatus(row["status"], dead.has(run)),
    progress: number(row["progress"]) ?? 0,
    message: text(row["message"]),
    attempt: Number(row["attempt"]),
    startedAt: text(row["started_at"]),
    finishedAt: text(row["finished_at"]),
    error: failure(row["error"]),
  };
}

// ── values: the file is the user's, who may have put anything there ────────────────────────────────────

const text = (value: Value | undefined): string | null =>
  typeof value === "string" ? value : null;

const number = (value: Value | undefined): number | null =>
  typeof value === "number" ? value : null;

function seenStatus(value: Value | undefined, isDead: boolean): SeenStatus {
  const status = taskStatuses.find((known) => known === value) ?? "queued";
  return status === "running" && isDead ? "interrupted" : status;
}

function runStatus(value: Value | undefined, isDead: boolean): SeenRun["status"] {
  const status = runStatuses.find((known) => known === value) ?? "error";
  return status === "running" && isDead ? "interrupted" : status;
}

function failure(value: Value | undefined): Failure | null {
  if (typeof value !== "string") return null;
  try {
    const parsed: unknown = JSON.parse(value);
    if (isFailure(parsed)) return parsed;
  } catch {
    // Then it is shown as it stands.
  }
  return { name: "Error", message: value };
}

const isFailure = (value: unknown): value is Failure =>
  typeof value === "object" &&
  value !== null &&
  "name" in value &&
  typeof value.name === "string" &&
  "message" in value &&
  typeof value.message === "string";
