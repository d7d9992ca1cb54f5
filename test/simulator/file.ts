// Reads the contents of the database after a session.

import { Database } from "bun:sqlite";

import type { Status } from "./model.ts";

export type TaskRow = {
  readonly id: number;
  readonly name: string;
  readonly key: string;
  readonly status: Status;
  readonly attempt: number;
  readonly cursor: string | null;
  readonly result: string | null;
  readonly error: string | null;
  readonly progress: number;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  /** See src/store/decide-reruns.ts. */
  readonly fingerprint: string | null;
  readonly input: string | null;
  readonly label: string | null;
  /** `done` of an earlier session: the file says that it is skipped, because the last session's plan does not have it. */
  readonly isLeft: boolean;
};

export type AttemptRow = {
  readonly task_id: number;
  readonly attempt: number;
  readonly outcome: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly error: string | null;
};

export type RunRow = {
  readonly id: number;
  readonly status: string;
  readonly error: string | null;
  readonly finished_at: string | null;
  readonly code: string | null;
};

export type FileContent = {
  readonly runs: readonly RunRow[];
  /** Tasks of the newest run, by id. */
  readonly tasks: readonly TaskRow[];
  /** Of the newest run, in the order of their ends. */
  readonly attempts: readonly AttemptRow[];
  /** Definitions of the newest run whose own code is not recorded, only that of the whole file. */
  readonly unknownCode: readonly string[];
  readonly logs: readonly {
    readonly task_id: number;
    readonly attempt: number;
    readonly line: string;
  }[];
  readonly ins: readonly {
    readonly path: string;
    readonly task: number;
    readonly place: string;
    readonly n: number;
    readonly text: string;
  }[];
  readonly ups: readonly {
    readonly task: number;
    readonly key: string;
    readonly a: string | null;
    readonly b: number | null;
    readonly c: string | null;
  }[];
  readonly notes: readonly { readonly task: number; readonly place: string }[];
  readonly late: readonly {
    readonly task: number;
    readonly attempt: number;
    readonly place: string;
  }[];
  /** JSON text by key, of `ctx.state`. */
  readonly state: ReadonlyMap<string, string>;
  readonly uniq: number;
  readonly orphans: number;
  readonly integrity: string;
};

export const empty: FileContent = {
  runs: [],
  tasks: [],
  attempts: [],
  unknownCode: [],
  logs: [],
  ins: [],
  ups: [],
  notes: [],
  late: [],
  state: new Map(),
  uniq: 0,
  orphans: 0,
  integrity: "ok",
};

/** A task that has left the plan is done all the same: it does not run again if it comes back. */
function asDone(row: Omit<TaskRow, "isLeft">): TaskRow {
  const isLeft = row.status === "skipped" && row.result !== null;
  return isLeft ? { ...row, status: "done", error: null, isLeft } : { ...row, isLeft };
}

/** Opens the file for writing, as the next run would, so that the journal of a dead run is applied. */
export function readFile(path: string): FileContent {
  using db = new Database(path, { readwrite: true, create: false });
  const all = <Row>(sql: string): Row[] => {
    using statement = db.prepare<Row, []>(sql);
    return statement.all();
  };
  const tables = new Set(
    all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'").map(
      ({ name }) => name,
    ),
  );
  const from = <Row>(table: string, sql: string): Row[] => (tables.has(table) ? all<Row>(sql) : []);
  const count = (table: string): number =>
    from<{ n: number }>(table, `SELECT COUNT(*) AS n FROM ${table}`)[0]?.n ?? 0;
  // Tasks that make the table make only the columns that they name.
  const made = all<{ name: string }>("SELECT name FROM pragma_table_info('ups')");
  const upsColumns = ["a", "b", "c"].map((column) =>
    made.some(({ name }) => name === column) ? column : `NULL AS ${column}`,
  );
  return {
    state: new Map(
      from<{ key: string; value: string }>(
        "pipeloom_state",
        "SELECT key, value FROM pipeloom_state",
      ).map(({ key, value }) => [key, value]),
    ),
    runs: from(
      "pipeline_runs",
      "SELECT id, status, error, finished_at, code FROM pipeline_runs ORDER BY id",
    ),
    tasks: from<Omit<TaskRow, "isLeft">>(
      "task_runs",
      `SELECT id, name, key, status, attempt, cursor, result, error, progress, started_at, finished_at, fingerprint, input, label FROM task_runs
       WHERE run_id = (SELECT MAX(id) FROM pipeline_runs) ORDER BY id`,
    ).map(asDone),
    attempts: from(
      "task_attempts",
      `SELECT task_id, attempt, outcome, started_at, finished_at, error FROM task_attempts
       WHERE run_id = (SELECT MAX(id) FROM pipeline_runs) ORDER BY rowid`,
    ),
    unknownCode: from<{ name: string }>(
      "pipeloom_definitions",
      `SELECT name FROM pipeloom_definitions
       WHERE run_id = (SELECT MAX(id) FROM pipeline_runs) AND fingerprint LIKE 'module:%'`,
    ).map(({ name }) => name),
    logs: from("task_logs", "SELECT task_id, attempt, line FROM task_logs ORDER BY rowid"),
    ins: from(
      "ins",
      "SELECT path, task, seg || '/' || step || '/' || n AS place, n, text FROM ins",
    ),
    ups: from("ups", `SELECT task, key, ${upsColumns.join(", ")} FROM ups`),
    notes: from("notes", "SELECT task, seg || '/' || step AS place FROM notes"),
    late: from("late", "SELECT task, attempt, CAST(step AS TEXT) AS place FROM late"),
    uniq: count("uniq"),
    orphans: count("orphans"),
    integrity:
      all<{ integrity_check: string }>("PRAGMA integrity_check(1)")[0]?.integrity_check ??
      "nothing",
  };
}

/** Marks running runs as dead by an impossible pid: the simulated process has this process's pid, which is alive. */
export function buryProcess(path: string): void {
  using db = new Database(path, { readwrite: true, create: false });
  using found = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'pipeline_runs'");
  if (found.get() !== null)
    db.run("UPDATE pipeline_runs SET pid = 4194305 WHERE status = 'running'");
}
