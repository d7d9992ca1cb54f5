// What is kept of the machines that the tasks of a run with an engine run on.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { runId, taskId, workerId } from "../../../src/protocol/ids.ts";
import type { WireEvent } from "../../../src/protocol/messages.ts";
import type { Outcome, TaskRecord } from "../../../src/protocol/writer-records.ts";
import { migrate } from "../../../src/store/migrate.ts";
import { Recorder } from "../../../src/store/write/recorder.ts";
import { prepareRun } from "../../../src/store/write/prepare-run.ts";
import { SqliteHistory } from "../../../src/store/write/sqlite-history.ts";
import { options, request, storedRun } from "./options.ts";

const engine = "redis://host:6379";
const failure = { name: "E", message: "why" };
const named = (id: number) => ({ id: taskId(id), name: `t${id}`, key: `t:${id}` });

const started = (id: number, attempt = 1): TaskRecord => ({
  type: "started",
  ...named(id),
  attempt,
  at: attempt,
});
const ended = (id: number, outcome: Outcome, attempt = 1): TaskRecord => ({
  type: "finished",
  ...named(id),
  attempt,
  startedAt: attempt,
  at: attempt + 1,
  outcome,
  wantsResult: "no",
});
const done: Outcome = { status: "done", result: "null" };

class Bench implements Disposable {
  readonly db = new Database(":memory:");
  history: SqliteHistory | undefined;
  recorder: Recorder | undefined;

  constructor() {
    migrate(this.db, "a.db");
  }

  /** A session of run 1. @param machines by worker: 1, 2, 3 … */
  session(...machines: readonly string[]): Recorder {
    this.history?.close();
    const where = machines.length === 0 ? "threads" : engine;
    const resume = this.history === undefined ? "auto" : runId(1);
    prepareRun(this.db, options(":memory:"), request({ engine: where, resume }), 0);
    const stored = { ...storedRun(this.db), hasMachines: machines.length > 0 };
    this.history = new SqliteHistory(stored);
    const names = new Map(machines.map((name, i) => [workerId(i + 1), name]));
    return (this.recorder = new Recorder(this.history, undefined, names));
  }

  /** In one transaction. */
  records(worker: number, ...records: readonly TaskRecord[]): void {
    for (const record of records) this.recorder?.task(record, undefined, workerId(worker));
    this.commit();
  }

  commit(end: "COMMIT" | "ROLLBACK" = "COMMIT"): void {
    this.db.run("BEGIN");
    this.history?.flush();
    this.db.run(end);
    if (end === "COMMIT") this.history?.committed();
    else this.history?.discard();
  }

  /** By task: where its last attempt ran. */
  get tasks(): unknown[] {
    return this.db
      .query(
        "SELECT t.id, m.name FROM task_runs AS t LEFT JOIN pipeloom_machines AS m ON m.run_id = t.run_id AND m.id = t.machine ORDER BY 1",
      )
      .values();
  }

  values(sql: string): unknown[] {
    return this.db.query(sql).values();
  }

  [Symbol.dispose](): void {
    this.history?.close();
    this.db.close();
  }
}

test("each task has its machine: short ones, long ones, failed ones and earlier attempts", () => {
  using bench = new Bench();
  bench.session("web1", "web2", "web1");
  bench.records(1, ended(1, done));
  bench.records(2, started(2));
  bench.records(2, ended(2, { status: "error", failure, retryAt: 9 }));
  bench.records(3, started(2, 2), ended(2, done, 2));
  bench.records(2, ended(3, { status: "error", failure }));
  expect(bench.tasks).toEqual([
    [1, "web1"],
    [2, "web1"],
    [3, "web2"],
  ]);
  const attempts =
    "SELECT attempt, name FROM task_attempts AS a JOIN pipeloom_machines AS m ON m.id = a.machine AND m.run_id = a.run_id";
  expect(bench.values(attempts)).toEqual([[1, "web2"]]);
  expect(bench.values("SELECT engine FROM pipeline_runs")).toEqual([[engine]]);
  expect(bench.values("SELECT * FROM pipeloom_machines")).toEqual([
    [1, 1, "web1"],
    [1, 2, "web2"],
  ]);
});

test("a run in threads names none, and what runs again there is not where it was", () => {
  using bench = new Bench();
  bench.session("web1");
  bench.records(1, ended(1, done), ended(2, { status: "cancelled", failure }), ended(3, done));
  bench.session();
  bench.records(1, started(1), started(2), ended(2, done));
  bench.records(1, ended(1, done));
  expect(bench.tasks).toEqual([
    [1, null],
    [2, null],
    [3, "web1"],
  ]);
  expect(bench.values("SELECT engine FROM pipeline_runs")).toEqual([["threads"]]);
});

test("the next session goes on with the numbers of the one before, also after a commit that failed", () => {
  using bench = new Bench();
  bench.session("web1", "web2");
  bench.recorder?.task(ended(1, done), undefined, workerId(1));
  bench.commit("ROLLBACK");
  bench.records(2, ended(2, done));
  bench.records(1, ended(1, done));
  bench.session("web3", "web1");
  bench.records(1, ended(3, done));
  bench.records(2, ended(4, done));
  expect(bench.tasks).toEqual([
    [1, "web1"],
    [2, "web2"],
    [3, "web3"],
    [4, "web1"],
  ]);
});

test("an attempt that was interrupted keeps its machine", () => {
  using bench = new Bench();
  const first = bench.session("web1");
  bench.records(1, started(1), started(2));
  const where = { worker: workerId(1), startedAt: 1, at: 5, failure };
  first.interrupted({ type: "interrupted", ...named(1), attempt: 1, ...where }, true);
  bench.commit();
  // The process has died while task 2 ran.
  bench.session("web2");
  const sql =
    "SELECT task_id, outcome, name FROM task_attempts AS a JOIN pipeloom_machines AS m ON m.id = a.machine ORDER BY 1";
  expect(bench.values(sql)).toEqual([
    [1, "interrupted", "web1"],
    [2, "interrupted", "web1"],
  ]);
});

test("events say where it was; ends of one machine share a pack", () => {
  using bench = new Bench();
  const recorder = bench.session("web1", "web2");
  const events = (): readonly WireEvent[] => recorder.committed();
  bench.records(1, started(1), ended(2, done), ended(3, done));
  bench.records(2, ended(4, done), ended(5, { status: "error", failure }));
  expect(events().map((event) => [event.type, "machine" in event ? event.machine : ""])).toEqual([
    ["task-started", "web1"],
    ["done", "web1"],
    ["done", "web2"],
    ["task-finished", "web2"],
  ]);
  const local = bench.session();
  bench.records(1, started(6), ended(7, done));
  expect(JSON.stringify(local.committed())).not.toContain("machine");
});
