import { describe, expect, test } from "bun:test";

import { hasMoreStatements, isBlank } from "../../../src/store/read/statements.ts";

describe("hasMoreStatements", () => {
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
    expect(hasMoreStatements(sql)).toBe(more);
  });
});

test.each(["", " \n", ";;", "-- only a comment", "/* open", " /* a */ ; "])(
  "%j is blank",
  (sql) => {
    expect(isBlank(sql)).toBe(true);
  },
);

test("a string is not", () => {
  expect(isBlank("'-- a'")).toBe(false);
});
