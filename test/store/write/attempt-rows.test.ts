// What is kept of a task's earlier attempts.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { runId, taskId, workerId } from "../../../src/protocol/ids.ts";
import type { Outcome, TaskRecord } from "../../../src/protocol/writer-records.ts";
import { migrate } from "../../../src/store/migrate.ts";
import { prepareRun } from "../../../src/store/write/prepare-run.ts";
import { Recorder } from "../../../src/store/write/recorder.ts";
import { SqliteHistory } from "../../../src/store/write/sqlite-history.ts";
import { options, request, storedRun } from "./options.ts";
import { taskRow } from "./task-rows.ts";

const failure = { name: "E", message: "why" };
const worker = workerId(3);
const identity = { id: taskId(1), name: "t1", key: "t:1" };
const time = (ms: number): string => new Date(ms).toISOString();

const started = (attempt: number, at: number): TaskRecord => ({
  type: "started",
  ...identity,
  attempt,
  at,
});
const ended = (attempt: number, at: number, outcome: Outcome): TaskRecord => ({
  type: "finished",
  ...identity,
  attempt,
  startedAt: at - 1,
  at,
  outcome,
  wantsResult: "no",
});
const retried: Outcome = { status: "error", failure, retryAt: 9 };
const done: Outcome = { status: "done", result: "null" };

class Bench implements Disposable {
  readonly db = new Database(":memory:");
  history: SqliteHistory;
  recorder: Recorder;

  constructor() {
    migrate(this.db, "a.db");
    prepareRun(this.db, options(":memory:"), request(), 0);
    [this.history, this.recorder] = this.#session();
  }

  #session(): [SqliteHistory, Recorder] {
    const history = new SqliteHistory(storedRun(this.db));
    return [history, new Recorder(history, undefined)];
  }

  /** In one transaction. */
  records(...records: readonly TaskRecord[]): void {
    for (const record of records) this.recorder.task(record, undefined, worker);
    this.commit();
  }

  commit(end: "COMMIT" | "ROLLBACK" = "COMMIT"): void {
    this.db.run("BEGIN");
    this.history.flush();
    this.db.run(end);
    if (end === "COMMIT") this.history.committed();
    else this.history.discard();
  }

  /** The process has died, and the run is continued. */
  continue(): void {
    this.history.close();
    prepareRun(this.db, options(":memory:"), request({ resume: runId(1) }), 0);
    [this.history, this.recorder] = this.#session();
  }

  attempts(): unknown[] {
    const sql =
      "SELECT attempt, worker, started_at, finished_at, outcome, error FROM task_attempts WHERE run_id = 1 AND task_id = 1";
    return this.db.query(sql).values();
  }

  row(): unknown {
    const sql = "SELECT status, attempt, started_at FROM task_runs";
    return this.db.query(sql).values();
  }

  [Symbol.dispose](): void {
    this.history.close();
    this.db.close();
  }
}

const why = JSON.stringify(failure);

test("a task that ends at its first attempt has no earlier ones", () => {
  using bench = new Bench();
  bench.records(started(1, 1), ended(1, 2, done));
  expect(bench.attempts()).toEqual([]);
});

test("a retried attempt is kept, also where the next one is in the same transaction", () => {
  using bench = new Bench();
  bench.records(started(1, 1), ended(1, 2, retried));
  bench.records(started(2, 3), ended(2, 4, retried), ended(3, 6, done));
  expect(bench.attempts()).toEqual([
    [1, 3, time(1), time(2), "error", why],
    [2, 3, time(3), time(4), "error", why],
  ]);
  expect(bench.row()).toEqual([["done", 3, time(5)]]);
});

test("what is rolled back is not kept, and is kept once when it comes again", () => {
  using bench = new Bench();
  bench.recorder.task(ended(1, 2, retried), undefined, worker);
  bench.commit("ROLLBACK");
  expect(bench.attempts()).toEqual([]);
  bench.records(ended(1, 2, retried));
  expect(bench.attempts()).toHaveLength(1);
});

test("an interrupted attempt is kept, and its task waits without having used up a retry", () => {
  using bench = new Bench();
  bench.records(started(1, 1));
  const lost = { type: "interrupted", ...identity, attempt: 1, worker, at: 5, failure } as const;
  const record = { ...lost, startedAt: 1 };
  bench.recorder.interrupted(record, true);
  bench.commit();
  expect(bench.attempts()).toEqual([[1, 3, time(1), time(5), "interrupted", why]]);
  expect(bench.row()).toEqual([["queued", 0, time(1)]]);
  // A short attempt that had not said when it began, and the next one has been faster than this news.
  bench.records(ended(3, 9, done));
  bench.recorder.interrupted({ ...lost, attempt: 2, startedAt: null, at: 7 }, false);
  bench.commit();
  expect(bench.attempts()[1]).toEqual([2, 3, null, time(7), "interrupted", why]);
  expect(bench.row()).toEqual([["done", 3, time(8)]]);
});

test("how many attempts were interrupted is known when the run is continued", () => {
  using bench = new Bench();
  const interrupted = (attempt: number, at: number): void => {
    const lost = { type: "interrupted", ...identity, attempt, worker, at, failure } as const;
    bench.recorder.interrupted({ ...lost, startedAt: at - 1 }, true);
    bench.commit();
  };
  const known = (): unknown =>
    [...bench.history.restoredPages()].flatMap(({ tasks }) =>
      tasks.map(({ attempt, interruptions = 0 }) => [attempt, interruptions]),
    );
  interrupted(1, 2);
  bench.records(started(2, 3));
  bench.continue();
  expect(known()).toEqual([[1, 1]]);
  // The end of the run uses up no retry either: the attempt has the same number again.
  bench.records(ended(2, 5, retried), started(3, 6));
  bench.continue();
  expect(known()).toEqual([[2, 1]]);
  interrupted(3, 8);
  bench.records(ended(4, 9, { status: "error", failure }));
  bench.continue();
  expect(known()).toEqual([[4, 0]]);
  // A failed task begins with its first attempt again: what was interrupted before does not count.
  bench.records(ended(1, 11, retried), started(2, 12));
  bench.continue();
  expect(known()).toEqual([[1, 0]]);
  interrupted(2, 14);
  bench.records(started(3, 15));
  bench.continue();
  expect(known()).toEqual([[2, 1]]);
});

test("what ran when the run died was interrupted, and it has no end", () => {
  using bench = new Bench();
  bench.records(started(1, 1));
  bench.continue();
  expect(bench.attempts()).toEqual([[1, null, time(1), null, "interrupted", null]]);
  // The attempt of the next session has the same number.
  bench.records(started(1, 10));
  bench.continue();
  expect(bench.attempts()).toHaveLength(2);
  bench.records(started(1, 20), ended(1, 21, done));
  expect(bench.attempts()).toHaveLength(2);
});

test("a failed task that a later session runs again keeps its last attempt", () => {
  using bench = new Bench();
  bench.records(ended(1, 2, { status: "error", failure }));
  bench.continue();
  expect(bench.attempts()).toEqual([]);
  bench.recorder.task(started(1, 10), undefined, worker);
  bench.commit("ROLLBACK");
  expect(bench.attempts()).toEqual([]);
  bench.records(started(1, 10));
  bench.records(ended(1, 11, done));
  expect(bench.attempts()).toEqual([[1, null, time(1), time(2), "error", why]]);
});

test("so does a done one that is to run again, once it begins", () => {
  using bench = new Bench();
  bench.records(ended(1, 2, done));
  bench.db.run("UPDATE task_runs SET fingerprint = 'asked'");
  bench.continue();
  bench.history.setAgain(taskRow({ ...identity, status: "queued" }));
  bench.commit();
  expect(bench.attempts()).toEqual([]);
  bench.records(ended(1, 20, done));
  expect(bench.attempts()).toEqual([[1, null, time(1), time(2), "done", null]]);
});

test("a cancelled attempt is kept when the run is continued", () => {
  using bench = new Bench();
  bench.records(ended(2, 2, { status: "cancelled", failure }));
  bench.continue();
  expect(bench.attempts()).toEqual([[2, null, time(1), time(2), "cancelled", why]]);
});

test("an attempt that goes on in the next session was not interrupted, and its lines are there once", () => {
  using bench = new Bench();
  const said = (at: number, line: string): TaskRecord => ({
    type: "log",
    ...identity,
    attempt: 1,
    at,
    level: "info",
    line,
  });
  const lines = (): unknown => bench.db.query("SELECT line FROM task_logs ORDER BY rowid").values();
  bench.records(started(1, 1), said(2, "a"), said(2, "a"), said(3, "b"));
  bench.continue();
  const [page] = bench.history.restoredPages();
  expect(page?.tasks).toMatchObject([{ id: identity.id, attempt: 0, startedAt: 1 }]);
  const goesOn: TaskRecord = { type: "started", ...identity, attempt: 1, at: 1, goesOn: true };
  bench.recorder.task(goesOn, undefined, worker);
  bench.commit("ROLLBACK");
  expect(bench.attempts()).toHaveLength(1);
  // The last two lines had been stored, and nobody knew.
  bench.records(goesOn, said(2, "a"), said(3, "b"), said(3, "c"), said(3, "b"), ended(1, 5, done));
  expect(bench.attempts()).toEqual([]);
  expect(lines()).toEqual([["a"], ["a"], ["b"], ["c"], ["b"]]);
});

test("of an attempt that goes on, a line is there once, also where its transaction is applied again", () => {
  using bench = new Bench();
  const said = (line: string): TaskRecord => ({
    type: "log",
    ...identity,
    attempt: 1,
    at: 2,
    level: "info",
    line,
  });
  bench.records(started(1, 1), said("a"), said("b"));
  bench.continue();
  bench.records({ type: "started", ...identity, attempt: 1, at: 1, goesOn: true });
  const again = [said("a"), said("b"), said("c"), said("b")];
  for (const record of again) bench.recorder.task(record, undefined, worker);
  bench.commit("ROLLBACK");
  bench.recorder.rolledBack();
  bench.records(...again);
  const lines = bench.db.query("SELECT line FROM task_logs ORDER BY rowid").values();
  expect(lines.flat()).toEqual(["a", "b", "c", "b"]);
});

test("of a task that was cancelled, or waits for its next attempt, none goes on", () => {
  using bench = new Bench();
  const startedAt = (): unknown => [...bench.history.restoredPages()][0]?.tasks[0]?.startedAt;
  bench.records(started(1, 1), ended(1, 2, { status: "cancelled", failure }));
  bench.continue();
  expect(startedAt()).toBeUndefined();
  bench.records(ended(1, 5, retried));
  bench.continue();
  expect(startedAt()).toBeUndefined();
});
