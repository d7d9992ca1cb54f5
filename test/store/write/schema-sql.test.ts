import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { applySchema } from "../../../src/store/write/schema-sql.ts";

/** As a run begins or continues: in its transaction. */
const apply = (db: Database, sql: string, isContinued?: boolean) =>
  db.transaction(() => applySchema(db, sql, isContinued).map(({ number }) => number))();

const tables = (db: Database): unknown[] =>
  db.prepare("SELECT name FROM sqlite_schema ORDER BY name").values().flat();

test("all statements run, triggers too, and again without harm", () => {
  using db = new Database(":memory:");
  const schema = `CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, n);
    CREATE TRIGGER IF NOT EXISTS bump AFTER INSERT ON t BEGIN UPDATE t SET n = 1 WHERE id = new.id; END;
    PRAGMA user_version = 3; -- done`;
  apply(db, schema);
  apply(db, schema);
  db.run("INSERT INTO t (id) VALUES (5)");
  expect(db.prepare("SELECT * FROM t").values()).toEqual([[5, 1]]);
  expect(db.prepare("PRAGMA user_version").values()).toEqual([[3]]);
});

test("an error names the statement, and nothing of the schema stays", () => {
  using db = new Database(":memory:");
  const broken = "CREATE TABLE a (x);\n-- second\nCREATE TABLE b (\n  y,,\n);\nCREATE TABLE c (z);";
  expect(() => apply(db, broken)).toThrow(
    'schema: statement 2 (CREATE TABLE b (): near ",": syntax error',
  );
  expect(tables(db)).toEqual([]);
  expect(db.inTransaction).toBe(false);
});

test("transaction control is refused before anything runs", () => {
  using db = new Database(":memory:");
  expect(() => apply(db, "CREATE TABLE a (x); COMMIT; CREATE TABLE b (x)")).toThrow(
    "schema: statement 2 (COMMIT): COMMIT is not for you here",
  );
  expect(tables(db)).toEqual([]);
});

test.each([
  ["CREATE TABLE IF NOT EXISTS a (x)", []],
  ["/* ours */ create unique index -- x\n if not exists i on t (n)", []],
  [
    "CREATE VIEW IF NOT EXISTS v AS SELECT 1; CREATE TEMP TABLE s (x); PRAGMA recursive_triggers = ON",
    [],
  ],
  ["CREATE TRIGGER IF NOT EXISTS g AFTER INSERT ON t BEGIN DELETE FROM t; END", []],
  ["CREATE VIRTUAL TABLE IF NOT EXISTS f USING fts5(x)", []],
  ["DROP TABLE IF EXISTS t; CREATE TABLE t (id, n)", [1, 2]],
  [
    "DELETE FROM t; INSERT INTO t VALUES (8, 8); UPDATE t SET n = 9; REPLACE INTO t VALUES (1, 0)",
    [1, 2, 3, 4],
  ],
  [
    "ALTER TABLE t ADD COLUMN more; CREATE TABLE u (x); WITH a AS (SELECT 1) INSERT INTO t SELECT 1, 1 FROM a",
    [1, 2, 3],
  ],
])("of a run that continues, %s leaves the rows", (schema, leftOut) => {
  using db = new Database(":memory:");
  db.run("CREATE TABLE t (id, n); INSERT INTO t VALUES (1, 2)");
  expect(apply(db, schema, true)).toEqual(leftOut);
  expect(db.prepare("SELECT * FROM t").values()).toEqual([[1, 2]]);
});

test("pipeloom's own tables stay as they are", () => {
  using db = new Database(":memory:");
  db.run("CREATE TABLE task_logs (line); CREATE TABLE t (x)");
  for (const sql of ["DROP TABLE Task_Logs", "ALTER TABLE task_logs ADD COLUMN mine"]) {
    expect(() => apply(db, `CREATE TABLE u (x); ${sql}`)).toThrow(
      `schema: statement 2 (${sql}): it changes a table in which pipeloom records its runs (task_logs)`,
    );
  }
  expect(
    apply(db, "CREATE VIEW lines AS SELECT line FROM task_logs; ALTER TABLE t ADD COLUMN y"),
  ).toEqual([]);
  expect(tables(db)).toEqual(["lines", "t", "task_logs"]);
});
