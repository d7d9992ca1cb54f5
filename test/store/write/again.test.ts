// Reruns that are passed on: a task runs again because what it depends on does.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { runId, taskId } from "../../../src/protocol/ids.ts";
import { migrate } from "../../../src/store/migrate.ts";
import { SqliteHistory } from "../../../src/store/write/sqlite-history.ts";
import { unlocked } from "./options.ts";

const run = runId(1);
const id = taskId(7);

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
    history: new SqliteHistory({ db, path: "a.db", run, busyHandler: unlocked }, true, 0),
  };
}

const start = (history: SqliteHistory): void =>
  history.setTask({
    id,
    name: "a",
    key: "a",
    status: "running",
    attempt: 1,
    startedAt: 1,
    finishedAt: null,
    result: null,
    failure: null,
    progress: 0,
    message: null,
    rows: 0,
    cpuMs: null,
    waitedMs: null,
    input: null,
    label: null,
    needs: null,
    worker: null,
    position: 0,
  });

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
  history.setAgain(id, "a", "a");
  start(history);
  commit(db, history);
  expect(countsOf(db)).toMatchObject({ running: 1, done: 0 });
  history.setDone(id, "a", "a", 1, 1, 2, "null", 0, undefined, 0, null, null, null, null, 0);
  commit(db, history);
  expect(countsOf(db)).toMatchObject({ running: 0, done: 1 });
  expect(db.query("SELECT attempt, outcome, finished_at FROM task_attempts").all()).toEqual([
    { attempt: 3, outcome: "done", finished_at: "2027" },
  ]);
});

test("a short task has no start of its own, and the same holds", () => {
  const { db, history } = passingOn();
  history.setAgain(id, "a", "a");
  history.setDone(id, "a", "a", 1, 1, 2, "null", 0, undefined, 0, null, null, null, null, 0);
  commit(db, history);
  expect(countsOf(db)).toMatchObject({ done: 1 });
  expect(db.query("SELECT attempt FROM task_attempts").all()).toEqual([{ attempt: 3 }]);
});

test("that it runs again begins it from its beginning", () => {
  const { db, history } = passingOn();
  history.setAgain(id, "a", "a");
  commit(db, history);
  expect(stateOf(db)).toEqual({ status: "done", cursor: null, fingerprint: "asked+" });
});

test("the end of the run clears the mark of a task that has run again, and not of one that is still to", () => {
  const { db, history } = passingOn();
  history.setAgain(id, "a", "a");
  history.endDownstream();
  commit(db, history);
  expect(stateOf(db)).toMatchObject({ fingerprint: "asked+" });
  history.setDone(id, "a", "a", 1, 1, 2, "null", 0, undefined, 0, null, null, null, null, 0);
  commit(db, history);
  expect(stateOf(db)).toMatchObject({ fingerprint: "done+" });
  history.endDownstream();
  commit(db, history);
  expect(stateOf(db)).toMatchObject({ fingerprint: null });
});
