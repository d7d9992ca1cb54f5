import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { applySchema } from "../../../src/store/write/schema-sql.ts";

const tables = (db: Database): unknown[] =>
  db.prepare("SELECT name FROM sqlite_schema ORDER BY name").values().flat();

test("all statements run, triggers too, and again without harm", () => {
  using db = new Database(":memory:");
  const schema = `CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, n);
    CREATE TRIGGER IF NOT EXISTS bump AFTER INSERT ON t BEGIN UPDATE t SET n = 1 WHERE id = new.id; END;
    PRAGMA user_version = 3; -- done`;
  applySchema(db, schema);
  applySchema(db, schema);
  db.run("INSERT INTO t (id) VALUES (5)");
  expect(db.prepare("SELECT * FROM t").values()).toEqual([[5, 1]]);
  expect(db.prepare("PRAGMA user_version").values()).toEqual([[3]]);
});

test("an error names the statement, and nothing of the schema stays", () => {
  using db = new Database(":memory:");
  const broken = "CREATE TABLE a (x);\n-- second\nCREATE TABLE b (\n  y,,\n);\nCREATE TABLE c (z);";
  expect(() => applySchema(db, broken)).toThrow(
    'schema: statement 2 (CREATE TABLE b (): near ",": syntax error',
  );
  expect(tables(db)).toEqual([]);
  expect(db.inTransaction).toBe(false);
});

test("transaction control is refused before anything runs", () => {
  using db = new Database(":memory:");
  expect(() => applySchema(db, "CREATE TABLE a (x); COMMIT; CREATE TABLE b (x)")).toThrow(
    "schema: statement 2 (COMMIT): COMMIT is not for you here",
  );
  expect(tables(db)).toEqual([]);
});
