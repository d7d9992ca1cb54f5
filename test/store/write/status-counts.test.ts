// The stored counts are those that a query over the rows gives, whatever happens to the tasks; or there are none yet.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import * as fc from "fast-check";

import { taskId } from "../../../src/protocol/ids.ts";
import { type TaskStatus, taskStatuses } from "../../../src/protocol/status.ts";
import { migrate } from "../../../src/store/migrate.ts";
import { SqliteHistory } from "../../../src/store/write/sqlite-history.ts";
import { storedRun } from "./options.ts";
import { setDone, taskRow } from "./task-rows.ts";

/** The migrated database as bytes: the test makes hundreds of copies. */
const migrated = (() => {
  using db = new Database(":memory:");
  migrate(db, "a.db");
  return db.serialize();
})();

function newRun(): Database {
  const db = Database.deserialize(migrated);
  db.run(
    "INSERT INTO pipeline_runs (id, pipeline, params, status, started_at) VALUES (1, 'p', '{}', 'running', '')",
  );
  return db;
}

const stored = (db: Database): Record<string, number> | undefined => {
  const text = db
    .query<{ counts: string | null }, []>("SELECT counts FROM pipeline_runs")
    .get()?.counts;
  return typeof text === "string" ? (JSON.parse(text) as Record<string, number>) : undefined;
};

function counted(db: Database): Record<string, number> {
  const rows = db
    .query<{ status: string; n: number }, []>(
      "SELECT status, COUNT(*) AS n FROM task_runs GROUP BY status",
    )
    .all();
  const counts = Object.fromEntries(taskStatuses.map((status) => [status, 0]));
  for (const { status, n } of rows) counts[status] = n;
  return counts;
}

type Change = { readonly id: number; readonly to: TaskStatus };
type Changes = {
  readonly type: "commit" | "refused" | "discard";
  readonly changes: readonly Change[];
};
type Step = Changes | "next session";

const change = fc.record({
  id: fc.integer({ min: 1, max: 6 }),
  to: fc.constantFrom(...taskStatuses),
});
const steps = fc.array(
  fc.oneof(
    {
      arbitrary: fc.record({
        type: fc.constantFrom("commit", "refused", "discard"),
        changes: fc.array(change, { maxLength: 8 }),
      }),
      weight: 8,
    },
    { arbitrary: fc.constant("next session" as const), weight: 1 },
  ),
  { maxLength: 12 },
);

const isFinal = (status: TaskStatus | undefined): boolean =>
  status !== undefined && status !== "queued" && status !== "running";

class Session {
  history: SqliteHistory;
  readonly #db: Database;
  readonly #maxCounted: number;
  /** Within a session, a task that has ended stays as it is. */
  #ended = new Set<number>();

  constructor(db: Database, maxCounted: number) {
    this.#db = db;
    this.#maxCounted = maxCounted;
    this.history = new SqliteHistory(storedRun(db), false, maxCounted);
  }

  step(step: Step): void {
    if (step === "next session") {
      this.history.close();
      this.#db.run("UPDATE task_runs SET fingerprint = 'asked' WHERE id % 2 = 0");
      // As `reviveRun` does.
      this.#db.run("UPDATE pipeline_runs SET counts = NULL");
      this.history = new SqliteHistory(storedRun(this.#db), false, this.#maxCounted);
      this.#ended = new Set(
        this.#db
          .query<{ id: number }, []>(
            "SELECT id FROM task_runs WHERE status = 'done' AND fingerprint IS NULL",
          )
          .all()
          .map(({ id }) => id),
      );
      return;
    }
    const before = new Set(this.#ended);
    for (const { id, to } of step.changes) this.#change(id, to);
    if (step.type !== "discard") {
      this.#db.run("BEGIN");
      this.history.flush();
      this.#db.run(step.type === "commit" ? "COMMIT" : "ROLLBACK");
    }
    if (step.type === "commit") this.history.committed();
    else {
      this.history.discard();
      this.#ended = before;
    }
  }

  #change(id: number, to: TaskStatus): void {
    if (this.#ended.has(id)) return;
    if (isFinal(to)) this.#ended.add(id);
    const task = { id: taskId(id), name: "a", key: "k" };
    if (to === "done") return setDone(this.history, { ...task, startedAt: 0, finishedAt: 0 });
    this.history.setTask(taskRow({ ...task, status: to }));
  }
}

test("counts as a query would", () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 8 }), (all, maxCounted) => {
      using db = newRun();
      const session = new Session(db, maxCounted);
      for (const step of all) {
        session.step(step);
        const counts = stored(db);
        if (counts !== undefined) expect(counts).toEqual(counted(db));
      }
      session.history.setEnd({ status: "done", failure: null, at: 0 });
      session.step({ type: "commit", changes: [{ id: 7, to: "queued" }] });
      session.history.close();
      expect(stored(db)).toEqual(counted(db));
    }),
    { numRuns: 300 },
  );
});

test("the counts of few tasks are stored at the end only, those of many with each commit", () => {
  using db = newRun();
  const session = new Session(db, 2);
  const add = (id: number): void => session.step({ type: "commit", changes: [{ id, to: "done" }] });
  add(1);
  add(2);
  expect(stored(db)).toBeUndefined();
  add(3);
  expect(stored(db)).toMatchObject({ done: 3 });
  add(4);
  expect(stored(db)).toMatchObject({ done: 4 });
  session.history.close();

  using few = newRun();
  const short = new Session(few, 2);
  short.history.setEnd({ status: "done", failure: null, at: 0 });
  short.step({ type: "commit", changes: [{ id: 1, to: "done" }] });
  short.history.close();
  expect(stored(few)).toMatchObject({ done: 1 });
});
