// Done tasks that the plan does not have any more, in the file and in its counts.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { taskId } from "../../../src/protocol/ids.ts";
import { isLeftSql } from "../../../src/store/left-rows.ts";
import { migrate } from "../../../src/store/migrate.ts";
import { SqliteHistory } from "../../../src/store/write/sqlite-history.ts";
import { storedRun } from "./options.ts";

const range = (first: number, last: number) => [taskId(first), taskId(last)] as const;

/** Tasks 1 to 9 are done, but 5 has failed; those of run 2 too. */
function nine(): { db: Database; history: SqliteHistory } {
  const db = new Database(":memory:");
  migrate(db, "a.db");
  for (const run of [1, 2]) {
    db.run(
      "INSERT INTO pipeline_runs (id, pipeline, params, status, started_at) VALUES (?, 'p', '{}', 'running', '')",
      [run],
    );
    for (let id = 1; id <= 9; id++) {
      db.run(
        "INSERT INTO task_runs (run_id, id, name, key, status, attempt, result) VALUES (?, ?, 't', 't:1', ?, 1, ?)",
        [run, id, id === 5 ? "error" : "done", id === 5 ? null : String(id)],
      );
    }
  }
  return { db, history: new SqliteHistory(storedRun(db), false, 0) };
}

function commit(db: Database, history: SqliteHistory): void {
  db.run("BEGIN");
  history.flush();
  db.run("COMMIT");
  history.committed();
}

const countsOf = (db: Database): unknown =>
  JSON.parse(
    String(
      db.query<{ counts: string }, []>("SELECT counts FROM pipeline_runs WHERE id = 1").get()
        ?.counts,
    ),
  );
const left = (db: Database): unknown[] =>
  db.query(`SELECT run_id, id, result FROM task_runs WHERE ${isLeftSql}`).values();

test("are skipped with their results, and counted once", () => {
  const { db, history } = nine();
  expect(history.isEmpty).toBe(true);
  history.setLeft([range(2, 2), range(4, 6)]);
  expect(history.isEmpty).toBe(false);
  commit(db, history);
  const right = [
    [1, 2, "2"],
    [1, 4, "4"],
    [1, 6, "6"],
  ];
  expect(left(db)).toEqual(right);
  expect(countsOf(db)).toMatchObject({ done: 5, error: 1, skipped: 3 });
  commit(db, history);
  history.setLeft([range(4, 4)]);
  commit(db, history);
  expect([left(db), countsOf(db)]).toEqual([
    right,
    expect.objectContaining({ done: 5, error: 1, skipped: 3 }),
  ]);
});

test("of a transaction that is rolled back count as before, and are named again", () => {
  const { db, history } = nine();
  history.setLeft([range(1, 3)]);
  db.run("BEGIN");
  history.flush();
  db.run("ROLLBACK");
  history.discard();
  expect(left(db)).toEqual([]);
  history.setLeft([range(1, 2)]);
  commit(db, history);
  expect(countsOf(db)).toMatchObject({ done: 6, error: 1, skipped: 2 });
});
