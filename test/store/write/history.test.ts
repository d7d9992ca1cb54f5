// What holds for each implementation of History: the same tests against both, with what the file then holds.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";

import { taskId } from "../../../src/protocol/ids.ts";
import { migrate } from "../../../src/store/migrate.ts";
import type { History, TaskRow } from "../../../src/store/write/history.ts";
import { NoHistory } from "../../../src/store/write/no-history.ts";
import { SqliteHistory } from "../../../src/store/write/sqlite-history.ts";
import { storedRun } from "./options.ts";
import { setDone, taskRow } from "./task-rows.ts";

type Task = { id: number; status: string; progress: number; message: string | null };
type Stored = {
  tasks: (Task & { cursor: string | null })[];
  logs: string[];
  run: { status: string; total: number | null };
};
const nothing: Stored = { tasks: [], logs: [], run: { status: "running", total: null } };

class Case implements Disposable {
  readonly db = new Database(":memory:");
  readonly history: History;

  constructor(create: (db: Database) => History) {
    // Both: a run without history must not write where another one's tables are.
    migrate(this.db, "a.db");
    this.db.run(
      "INSERT INTO pipeline_runs (id, pipeline, params, status, started_at) VALUES (1, 'p', '{}', 'running', '')",
    );
    this.history = create(this.db);
  }

  commit(): void {
    this.db.run("BEGIN");
    this.history.flush();
    this.db.run("COMMIT");
  }

  get stored(): Stored {
    const tasks = this.db.prepare<Stored["tasks"][number], []>(
      "SELECT id, status, progress, message, cursor FROM task_runs ORDER BY id",
    );
    const logs = this.db.prepare<{ line: string }, []>("SELECT line FROM task_logs");
    const run = this.db.prepare<Stored["run"], []>(
      "SELECT status, tasks_total AS total FROM pipeline_runs",
    );
    try {
      const [only = nothing.run] = run.all();
      return { tasks: tasks.all(), logs: logs.all().map(({ line }) => line), run: only };
    } finally {
      for (const statement of [tasks, logs, run]) statement.finalize();
    }
  }

  [Symbol.dispose](): void {
    this.history.close();
    // Throws while a statement is open.
    this.db.close(true);
  }
}

const nameOf = (id: number) => ({ id: taskId(id), name: `t${id}`, key: `t:${id}` });
const row = (id: number, status: TaskRow["status"]): TaskRow =>
  taskRow({ ...nameOf(id), status, startedAt: 0 });
const done = (history: History, id: number): void =>
  setDone(history, { ...nameOf(id), startedAt: 0, finishedAt: 1 });

/** One change of each kind. */
function change(history: History): void {
  history.setTask(row(1, "running"));
  history.setProgress(taskId(1), 0.5, "half");
  history.setCursor(taskId(1), "7", 0);
  done(history, 2);
  history.addLog({ id: taskId(1), attempt: 1, at: 0, level: "info", line: "a" });
  history.setTotal(2);
  history.setEnd({ status: "done", failure: null, at: 0 });
}

const changed: Stored = {
  tasks: [
    { id: 1, status: "running", progress: 0.5, message: "half", cursor: "7" },
    { id: 2, status: "done", progress: 1, message: null, cursor: null },
  ],
  logs: ["a"],
  run: { status: "done", total: 2 },
};

describe.each<[string, (db: Database) => History, (stored: Stored) => Stored]>([
  ["SqliteHistory", (db) => new SqliteHistory(storedRun(db)), (stored) => stored],
  ["NoHistory", () => new NoHistory(), () => nothing],
])("%s", (_, create, kept) => {
  test("is empty at first, and flushes nothing", () => {
    using at = new Case(create);
    expect(at.history.isEmpty).toBe(true);
    at.commit();
    expect(at.stored).toEqual(nothing);
  });

  test("writes each change with the flush, once", () => {
    using at = new Case(create);
    change(at.history);
    expect(at.stored).toEqual(nothing);
    at.commit();
    expect(at.history.isEmpty).toBe(true);
    expect(at.stored).toEqual(kept(changed));
    at.commit();
    expect(at.stored).toEqual(kept(changed));
  });

  test("drops what is discarded", () => {
    using at = new Case(create);
    change(at.history);
    at.history.discard();
    expect(at.history.isEmpty).toBe(true);
    at.commit();
    expect(at.stored).toEqual(nothing);
  });

  test("has no tasks of earlier sessions and no other runs, where there are none", () => {
    using at = new Case(create);
    expect([...at.history.restoredPages()]).toEqual([]);
    expect(at.history.hasOtherLiveRuns()).toBe(false);
  });

  test("property: the last change of each task counts until it is done, whatever was flushed or discarded", () => {
    const id = fc.integer({ min: 1, max: 70 });
    const step = fc.oneof(
      { weight: 40, arbitrary: fc.record({ type: fc.constantFrom("queued", "done"), id }) },
      { weight: 10, arbitrary: fc.record({ type: fc.constant("progress"), id }) },
      { weight: 2, arbitrary: fc.record({ type: fc.constantFrom("flush", "discard"), id }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        using at = new Case(create);
        const { history } = at;
        let model = new Map<number, Task>();
        let committed = new Map(model);
        for (const { type, id: task } of steps) {
          const [blank, before] = [{ id: task, message: null }, model.get(task)];
          if (before?.status === "done" && type !== "flush" && type !== "discard") continue;
          if (type === "queued") {
            history.setTask(row(task, type));
            model.set(task, { ...blank, status: type, progress: 0 });
          } else if (type === "done") {
            done(history, task);
            model.set(task, { ...blank, status: type, progress: 1 });
          } else if (type === "progress" && before?.status === "queued") {
            history.setProgress(taskId(task), 0.5, "half");
            model.set(task, { ...before, progress: 0.5, message: "half" });
          } else if (type === "flush") {
            at.commit();
            committed = new Map(model);
          } else if (type === "discard") {
            history.discard();
            model = new Map(committed);
          }
        }
        at.commit();
        const tasks = [...model.values()].map((task) => ({ ...task, cursor: null }));
        tasks.sort((a, b) => a.id - b.id);
        expect(at.stored.tasks).toEqual(kept({ ...nothing, tasks }).tasks);
      }),
    );
  });
});

test("a run without history is never asked for stored results", () => {
  expect(() => new NoHistory().storedResults()).toThrow("Internal error");
});
