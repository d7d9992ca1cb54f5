import { describe, expect, test } from "bun:test";
import {
  firstLine,
  splitSql,
  transactionTrouble,
  withoutComments,
} from "../../src/store/sql-text.ts";

const texts = (sql: string): string[] => splitSql(sql).map((statement) => statement.text);

test("semicolons end statements, except in strings, names and comments", () => {
  expect(
    texts(`CREATE TABLE "a;b" ([c;d], \`e;f\` DEFAULT 'g;''h;');
      -- one; comment
      INSERT INTO x VALUES (';') /* two; */; ;
      SELECT 1`),
  ).toEqual([
    `CREATE TABLE "a;b" ([c;d], \`e;f\` DEFAULT 'g;''h;')`,
    `-- one; comment\n      INSERT INTO x VALUES (';') /* two; */`,
    "SELECT 1",
  ]);
});

test("a trigger ends with its END", () => {
  const trigger = `CREATE TEMP TRIGGER tr AFTER INSERT ON t BEGIN
    UPDATE t SET a = CASE WHEN a > 1 THEN 1 ELSE 2 END; -- ; END;
    SELECT 1;
  END`;
  expect(texts(`${trigger};\nSELECT 2;`)).toEqual([trigger, "SELECT 2"]);
  expect(texts(`create trigger tr after insert on t begin select 1; end`)).toHaveLength(1);
});

test("nothing but comments and semicolons is no statement", () => {
  expect(texts(" ;; -- x\n ; /* y; */ ")).toEqual([]);
  expect(texts("")).toEqual([]);
});

test("text that never ends is one statement, and big literals are no trouble", () => {
  expect(texts("SELECT 'a; b")).toEqual(["SELECT 'a; b"]);
  expect(texts("SELECT 1 /* a; b")).toHaveLength(1);
  expect(texts(`SELECT '${"x''".repeat(20_000)}'; SELECT 2`)).toHaveLength(2);
});

describe("whether SQL has more than one statement", () => {
  const cases: [string, boolean][] = [
    ["SELECT 1", false],
    ["SELECT 1;", false],
    ["SELECT 1 ; ; \n", false],
    ["; SELECT 1", false],
    ["SELECT 1; -- done", false],
    ["SELECT 1; /* done; and more */ ", false],
    ["/* a; b */ SELECT 1", false],
    ["SELECT ';' AS a", false],
    ["SELECT 'it''s; fine'", false],
    ['SELECT 1 AS "a;b"', false],
    ["SELECT 1 AS [a;b], 2 AS `c;d`", false],
    ["SELECT 1 -- a; b\n + 2", false],
    ["SELECT 1; SELECT 2", true],
    ["SELECT 1;SELECT 2;", true],
    ["SELECT ';'; DROP TABLE x", true],
    ["SELECT 1 -- a\n; DROP TABLE x", true],
    ["SELECT 'open; DROP TABLE x", false],
  ];
  test.each(cases)("%j: %p", (sql, more) => {
    expect(splitSql(sql).length > 1).toBe(more);
  });
});

test.each(["", " \n", ";;", "-- only a comment", "/* open", " /* a */ ; "])(
  "%j has no statement",
  (sql) => {
    expect(splitSql(sql)).toEqual([]);
  },
);

test("a string is a statement, also one that looks like a comment", () => {
  expect(texts("'-- a'")).toEqual(["'-- a'"]);
});

test("comments are removed, also one without its end, and strings stay as they are", () => {
  expect(withoutComments("SELECT '--a' /* b */, \"/*c*/\" -- d\n, 1 /* open")).toBe(
    "SELECT '--a'  , \"/*c*/\"  \n, 1  ",
  );
});

const trouble = (sql: string): string | null =>
  splitSql(sql)
    .map(transactionTrouble)
    .find((why) => why !== null) ?? null;

test("transaction control is seen behind comments and in any case", () => {
  for (const sql of [
    "/* x */ commit",
    "BEGIN IMMEDIATE",
    "-- y\nROLLBACK TO a",
    "Savepoint a",
    "release a",
    "END",
    "attach 'x' as y",
    "VACUUM",
  ]) {
    expect(trouble(sql)).not.toBeNull();
  }
  expect(trouble("INSERT INTO commits VALUES (1)")).toBeNull();
  expect(trouble("CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; END")).toBeNull();
});

test("the first line is the statement's own", () => {
  expect(firstLine("-- c\n/* d\n */ CREATE TABLE x (\n  a\n)")).toBe("CREATE TABLE x (");
  expect(firstLine("x".repeat(200))).toHaveLength(101);
});
