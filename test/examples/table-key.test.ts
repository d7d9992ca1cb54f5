// The unique index that the importers give a table: where it is needed, its name, and the rows that forbid it.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import type { MessageDb } from "../../src/api/message.ts";
import { ensureKey, lacksKey } from "../../src/examples/table-key.ts";

type Sql = string | number | bigint | boolean | null | Uint8Array;

/** A database with these statements done, as a message sees it. */
function opened(...statements: readonly string[]): MessageDb & Disposable {
  const db = new Database(":memory:");
  for (const sql of statements) db.run(sql);
  return {
    run: (sql, ...params) => db.run(sql, params),
    all: <Row>(sql: string, ...params: Sql[]) => db.prepare<Row, Sql[]>(sql).all(...params),
    get: <Row>(sql: string, ...params: Sql[]) => db.prepare<Row, Sql[]>(sql).get(...params),
    [Symbol.dispose]: () => db.close(),
  };
}

const indexes = (db: MessageDb): unknown[] =>
  db.all("SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY rowid").map(Object.values);

test.each([
  ["a primary key", ["CREATE TABLE t (a INTEGER PRIMARY KEY, b)"], ["A"], false],
  [
    "a key of two columns, in another order",
    ["CREATE TABLE t (a, b, UNIQUE (b, a))"],
    ["a", "b"],
    false,
  ],
  ["only a part of the key", ["CREATE TABLE t (a UNIQUE, b)"], ["a", "b"], true],
  ["more than the key", ["CREATE TABLE t (a, b, UNIQUE (a, b))"], ["a"], true],
  [
    "an index that is not unique",
    ["CREATE TABLE t (a, b)", "CREATE INDEX i ON t (a)"],
    ["a"],
    true,
  ],
  [
    "a partial index",
    ["CREATE TABLE t (a, b)", "CREATE UNIQUE INDEX i ON t (a) WHERE b"],
    ["a"],
    true,
  ],
  ["no key", ["CREATE TABLE t (a, b)"], [], false],
  ["a view", ["CREATE VIEW t AS SELECT 1 AS a"], ["a"], false],
  ["no table", [], ["a"], false],
] as const)("%s", (_, statements, key, isMissing) => {
  using db = opened(...statements);
  const lacks = (): boolean =>
    lacksKey({ query: (sql, ...params) => db.all(sql, ...params) }, "t", key);
  expect(lacks()).toBe(isMissing);
  const before = indexes(db);
  ensureKey(db, "t", key);
  expect(lacks()).toBe(false);
  expect(indexes(db)).toHaveLength(before.length + (isMissing ? 1 : 0));
});

test("a name that is taken gets a number", () => {
  using db = opened(
    `CREATE TABLE "t b" (a, "c d")`,
    `CREATE INDEX "T B_A_c d" ON "t b" ("c d")`,
    `CREATE TABLE "t b_a_c d_2" (x)`,
  );
  ensureKey(db, "t b", ["a", "c d"]);
  expect(indexes(db)).toEqual([["T B_A_c d"], ["t b_a_c d_3"]]);
});

test("rows with the same key are refused, with the key; a NULL is equal to nothing", () => {
  using db = opened(
    "CREATE TABLE t (a, b COLLATE NOCASE)",
    "INSERT INTO t VALUES (NULL, 'n'), (NULL, 'n'), (1, 'x'), (1, 'X'), (1, 'y')",
  );
  expect(() => ensureKey(db, "t", ["a", "b"])).toThrow(
    /^the table "t" has 2 rows with a 1, b "[xX]", so \(a, b\) cannot be its key; load into another/,
  );
  expect(indexes(db)).toEqual([]);
  db.run("DELETE FROM t WHERE b = 'x'");
  ensureKey(db, "t", ["a", "b"]);
  expect(indexes(db)).toEqual([["t_a_b"]]);
  expect(db.get("SELECT COUNT(*) AS rows FROM t")).toEqual({ rows: 3 });
});
