import { expect, test } from "bun:test";
import { parseExact } from "../../../src/formats/json/json-values.ts";
import type { JsonRow } from "../../../src/formats/json/json-rows.ts";
import { JsonTable } from "../../../src/examples/http/json-table.ts";

const row = (text: string): JsonRow => parseExact(text) as JsonRow;

/** A table with one column `v` of this type. */
const typed = (type: string): JsonTable =>
  new JsonTable("t", [], [], [{ name: "v", type, isStrict: 0 }]);

const kept = (type: string, value: string): unknown =>
  typed(type).row(row(`{"v":${value}}`), "line 1")["v"];

test("text that a column's type would change is refused with a remedy", () => {
  expect(kept("INTEGER", '"2134"')).toBe("2134");
  expect(kept("INTEGER", '"abc"')).toBe("abc");
  expect(kept("NUMERIC", '"12.5"')).toBe("12.5");
  expect(kept("REAL", '"0.5"')).toBe("0.5");
  expect(kept("REAL", '"5"')).toBe("5");
  expect(kept("TEXT", '"02134"')).toBe("02134");
  expect(kept("", '"02134"')).toBe("02134");
  for (const [type, value] of [
    ["INTEGER", '"02134"'],
    ["INTEGER", '" 5"'],
    ["INTEGER", '"+5"'],
    ["DECIMAL(10,2)", '"1.50"'],
    ["NUMERIC", '"1e5"'],
    ["INTEGER", "9223372036854775808"],
    ["REAL", "9007199254740993"],
    ["REAL", '"9007199254740993"'],
    ["REAL", '"1.50"'],
  ] as const) {
    expect(() => kept(type, value)).toThrow(
      /^line 1: v is .*, and the column is .* in the table t, which would change it; .*--table/,
    );
  }
});

test("numbers in a text column are written as JSON writes them", () => {
  expect(kept("TEXT", "0.30000000000000004")).toBe("0.30000000000000004");
  expect(kept("VARCHAR(20)", "1e21")).toBe("1e+21");
  expect(kept("TEXT", "9007199254740993")).toBe(9_007_199_254_740_993n);
  expect(kept("INTEGER", "9007199254740993")).toBe(9_007_199_254_740_993n);
});

test("a key without a value is refused", () => {
  const table = new JsonTable("t", ["a", "b"], [], []);
  expect(() => table.row(row('{"a":1,"b":null}'), "[3]")).toThrow("[3]: b is null");
  expect(() => table.row(row('{"a":1}'), "[3]")).toThrow("[3]: b is missing");
  expect(table.row(row('{"a":0,"b":""}'), "[3]")).toMatchObject({ a: 0, b: "" });
});

test("names that differ in the case of ASCII letters are one column, others are not", () => {
  const table = new JsonTable("t", ["id"], [], [{ name: "ID", type: "", isStrict: 0 }]);
  expect({ ...table.row(row('{"id":1,"é":2,"É":3}'), "") }).toEqual({ ID: 1, é: 2, É: 3 });
  expect(table.grown()?.columns.map(({ name }) => name)).toEqual(["ID", "é", "É"]);
  expect(table.keyColumns).toEqual(["ID"]);
  expect(() => table.row(row('{"id":1,"a":1,"A":2}'), "line 2")).toThrow("differ only in case");
});

test("columns that appear later, and unusual names", () => {
  const table = new JsonTable("t", [], ["wanted"], []);
  const first = table.row(row('{"__proto__":1,"constructor":2}'), "");
  expect(Object.entries(first)).toEqual([
    ["__proto__", 1],
    ["constructor", 2],
  ]);
  expect(table.grown()?.columns.map(({ name }) => name)).toEqual([
    "wanted",
    "__proto__",
    "constructor",
  ]);
  expect(table.grown()).toBeNull();
  table.row(row('{"late":1}'), "");
  expect(table.grown()?.columns.length).toBe(4);
});
