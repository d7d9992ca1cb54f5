// Limit for tasks: one process, one loop, one finished row of task_runs per task.
//
//   bun bare-tasks.ts <db> <tasks> [progress calls per task]

import { Database } from "bun:sqlite";

const [db = "bare.db", tasksText = "200000", callsText = "0"] = process.argv.slice(2);
const tasks = Number(tasksText);
const calls = Number(callsText);
const rowsPerTransaction = 5000;

const database = new Database(db, { create: true });
// The same settings as in pipeloom.
for (const pragma of [
  "journal_mode = WAL",
  "synchronous = FULL",
  "cache_size = -8192",
  "wal_autocheckpoint = 4096",
]) {
  database.run(`PRAGMA ${pragma}`);
}
// The columns, indexes and values of pipeloom's rows of such tasks: src/store/migrations.
database.run(`CREATE TABLE task_runs (
  run_id INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, status TEXT NOT NULL,
  progress REAL NOT NULL DEFAULT 0, message TEXT, attempt INTEGER NOT NULL DEFAULT 0, cursor TEXT, started_at TEXT,
  finished_at TEXT, result TEXT, error TEXT, fingerprint TEXT, input TEXT, label TEXT, rows INTEGER,
  cpu_ms INTEGER, waited_ms INTEGER, reason TEXT, needs TEXT, worker INTEGER, position INTEGER, PRIMARY KEY (run_id, id)
) WITHOUT ROWID`);
database.run("CREATE INDEX failed ON task_runs (run_id, id) WHERE status = 'error'");
database.run("CREATE INDEX running ON task_runs (run_id, id) WHERE status = 'running'");
const insert = database.prepare(
  `INSERT INTO task_runs (run_id, id, name, key, status, progress, message, attempt, started_at, finished_at, result,
    input, rows, waited_ms, position) VALUES (1, ?, ?, ?, 'done', ?, ?, 1, ?, ?, ?, ?, 0, 0, 0)`,
);

/** Keeps the latest value only, as `ctx.progress` does. */
const latest = { progress: 1, message: null as string | null };
const messages = Array.from({ length: calls }, (_, call) => `step ${call + 1}`);
function progress(step: number, total: number, message: string | undefined): void {
  latest.progress = Math.min(Math.max(step / total, 0), 1);
  latest.message = message ?? null;
}

const began = performance.now();
for (let id = 1; id <= tasks;) {
  database.run("BEGIN IMMEDIATE");
  for (const end = Math.min(id + rowsPerTransaction, tasks + 1); id < end; id++) {
    const startedAt = new Date().toISOString();
    for (let call = 0; call < calls; call++) progress(call + 1, calls, messages[call]);
    const key = `noop:${id}-0123456789`;
    const { message } = latest;
    const finishedAt = new Date().toISOString();
    const [result, input] = [String(id), `{"i":${id}}`];
    insert.run(id, "noop", key, latest.progress, message, startedAt, finishedAt, result, input);
  }
  database.run("COMMIT");
}
const loopMs = performance.now() - began;
insert.finalize();
database.close(true);
console.log(JSON.stringify({ loopMs }));
