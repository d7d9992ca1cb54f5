// What happens to a prune between its transactions.

import type { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { type RunId, runId } from "../../../src/protocol/ids.ts";
import { openDatabase } from "../../../src/store/open-database.ts";
import { Pruner } from "../../../src/store/write/pruner.ts";
import { options, unlocked } from "./options.ts";

/** Runs that have ended, of the given numbers of tasks, with a log line each. */
function runsOf(...sizes: readonly number[]): Database {
  const db = openDatabase(options(":memory:"));
  for (const [index, size] of sizes.entries()) {
    const id = index + 1;
    db.run(
      "INSERT INTO pipeline_runs (id, pipeline, params, status, started_at, finished_at) VALUES (?, 'p', '{}', 'done', '', '1')",
      [id],
    );
    db.run(
      `INSERT INTO task_runs (run_id, id, name, key, status)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT ?, i, '', '', 'done' FROM n`,
      [size, id],
    );
  }
  db.run(
    "INSERT INTO task_attempts (run_id, task_id, attempt, outcome) SELECT run_id, id, 1, 'error' FROM task_runs WHERE id = 1",
  );
  db.run("INSERT INTO task_logs SELECT run_id, id, 1, '', 'info', '' FROM task_runs ORDER BY id");
  return db;
}

const ids = (count: number): RunId[] => Array.from({ length: count }, (_, i) => runId(i + 1));

const left = (db: Database, table: string, column = "run_id"): unknown[] =>
  db.query(`SELECT DISTINCT ${column} FROM ${table} ORDER BY 1`).values().flat();

const revived = {
  "goes on again": "UPDATE pipeline_runs SET status = 'running', finished_at = NULL WHERE id = 2",
  "went on and has ended again": "UPDATE pipeline_runs SET finished_at = '2' WHERE id = 2",
};

test.each(Object.entries(revived))("a run that %s is left alone", (_, sql) => {
  using db = runsOf(9_000, 3, 3);
  let transactions = 0;
  const pruner = new Pruner(db, ids(3), unlocked, () => {
    if (transactions++ === 1) db.run(sql);
    return false;
  });
  const { runs, tasks, logs } = pruner.deleteRuns(":memory:");
  expect({ runs: [...runs], tasks, logs }).toEqual({
    runs: [runId(1), runId(3)],
    tasks: 9_003,
    logs: 9_003,
  });
  expect(left(db, "task_runs")).toEqual([2]);
  expect(left(db, "task_logs")).toEqual([2]);
  expect(left(db, "task_attempts")).toEqual([2]);
});

test("a prune that is out of time has deleted whole runs", () => {
  using db = runsOf(4_000, 4_000, 4_000);
  let transactions = 0;
  new Pruner(db, ids(3), unlocked, () => transactions++ === 1).deleteRuns(":memory:");
  expect(left(db, "pipeline_runs", "id")).toEqual([2, 3]);
  expect(left(db, "task_runs")).toEqual([2, 3]);
});

test("small runs share a transaction, and a large one takes several", () => {
  using db = runsOf(...Array.from({ length: 100 }, () => 40), 25_000);
  let transactions = 0;
  new Pruner(db, ids(101), unlocked, () => transactions++ < 0).deleteRuns(":memory:");
  expect(left(db, "pipeline_runs", "id")).toEqual([]);
  // 2 * 29,000 rows of tasks and logs.
  expect(transactions).toBe(6);
});

test("only the log lines", () => {
  using db = runsOf(3, 25_000, 3);
  const { runs, tasks, logs } = new Pruner(db, ids(2), unlocked).deleteLogs();
  expect({ runs: [...runs], tasks, logs }).toEqual({ runs: ids(2), tasks: 0, logs: 25_003 });
  expect(left(db, "task_logs")).toEqual([3]);
  expect(left(db, "task_runs")).toEqual([1, 2, 3]);
});
