// Reruns that are passed on: a task runs again because what it depends on does.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { taskId } from "../../../src/protocol/ids.ts";
import { migrate } from "../../../src/store/migrate.ts";
import { SqliteHistory } from "../../../src/store/write/sqlite-history.ts";
import { storedRun } from "./options.ts";
import { setDone, taskRow } from "./task-rows.ts";

const id = taskId(7);
const task = { id, name: "a", key: "a" };

/** Task 7 is done, of an earlier session. */
function passingOn(): { db: Database; history: SqliteHistory } {
  const db = new Database(":memory:");
  migrate(db, "a.db");
  db.run(
    "INSERT INTO pipeline_runs (id, pipeline, params, status, started_at) VALUES (1, 'p', '{}', 'running', '')",
  );
  db.run(
    `INSERT INTO task_runs (run_id, id, name, key, status, attempt, started_at, finished_at, cursor)
      VALUES (1, 7, 'a', 'a', 'done', 3, '2026', '2027', '1')`,
  );
  return {
    db,
    history: new SqliteHistory(storedRun(db), true, 0),
  };
}

const start = (history: SqliteHistory): void =>
  history.setTask(taskRow({ ...task, status: "running", startedAt: 1 }));
const end = (history: SqliteHistory): void =>
  setDone(history, { ...task, startedAt: 1, finishedAt: 2 });

function commit(db: Database, history: SqliteHistory): void {
  db.run("BEGIN");
  history.flush();
  db.run("COMMIT");
  history.committed();
}

const stateOf = (db: Database): unknown =>
  db.query("SELECT status, cursor, fingerprint FROM task_runs").get();
const countsOf = (db: Database): unknown =>
  JSON.parse(
    String(db.query<{ counts: string }, []>("SELECT counts FROM pipeline_runs").get()?.counts),
  );

test("a done task that begins again is counted once, and its last attempt is kept", () => {
  const { db, history } = passingOn();
  history.setAgain(taskRow({ ...task, status: "queued" }));
  start(history);
  commit(db, history);
  expect(countsOf(db)).toMatchObject({ running: 1, done: 0 });
  end(history);
  commit(db, history);
  expect(countsOf(db)).toMatchObject({ running: 0, done: 1 });
  expect(db.query("SELECT attempt, outcome, finished_at FROM task_attempts").all()).toEqual([
    { attempt: 3, outcome: "done", finished_at: "2027" },
  ]);
});

test("a short task has no start of its own, and the same holds", () => {
  const { db, history } = passingOn();
  history.setAgain(taskRow({ ...task, status: "queued" }));
  end(history);
  commit(db, history);
  expect(countsOf(db)).toMatchObject({ done: 1 });
  expect(db.query("SELECT attempt FROM task_attempts").all()).toEqual([{ attempt: 3 }]);
});

test("that it runs again begins it from its beginning", () => {
  const { db, history } = passingOn();
  history.setAgain(taskRow({ ...task, status: "queued" }));
  commit(db, history);
  expect(stateOf(db)).toEqual({ status: "done", cursor: null, fingerprint: "asked+" });
});

test("a new task is in the file with its item before it begins", () => {
  const { db, history } = passingOn();
  const item = { input: "1", label: "one", needs: "7", position: 5 };
  history.setAgain(taskRow({ id: taskId(8), name: "b", key: "b:1", status: "queued", ...item }));
  commit(db, history);
  const found = db.query("SELECT input, label, needs, position FROM task_runs WHERE id = 8").get();
  expect(found).toEqual(item);
});

test("the end of the run clears the mark of a task that has run again, and of one that the plan no longer has", () => {
  const { db, history } = passingOn();
  history.setAgain(taskRow({ ...task, status: "queued" }));
  end(history);
  commit(db, history);
  expect(stateOf(db)).toMatchObject({ fingerprint: "done+" });
  history.endMarks();
  commit(db, history);
  expect(stateOf(db)).toMatchObject({ fingerprint: null });
  history.setAgain(taskRow({ ...task, status: "queued" }));
  history.endMarks();
  commit(db, history);
  expect(stateOf(db)).toMatchObject({ fingerprint: null });
});
