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
database.run(`CREATE TABLE task_runs (
  run_id INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, status TEXT NOT NULL,
  progress REAL NOT NULL DEFAULT 0, message TEXT, attempt INTEGER NOT NULL DEFAULT 0, cursor TEXT, started_at TEXT,
  finished_at TEXT, result TEXT, error TEXT, PRIMARY KEY (run_id, id)
) WITHOUT ROWID`);
const insert = database.prepare(
  "INSERT INTO task_runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
    insert.run(
      1,
      id,
      "noop",
      key,
      "done",
      latest.progress,
      message,
      1,
      null,
      startedAt,
      new Date().toISOString(),
      String(id),
      null,
    );
  }
  database.run("COMMIT");
}
const loopMs = performance.now() - began;
insert.finalize();
database.close(true);
console.log(JSON.stringify({ loopMs }));
