import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  type ColumnType,
  kindOf,
  kinds,
  numberBetween,
  toCell,
} from "../../../src/examples/csv/types.ts";

test("integers: 64 bits, no leading zeros", () => {
  for (const text of [
    "0",
    "7",
    "-7",
    "1234567890123456789",
    "9223372036854775807",
    "-9223372036854775808",
  ]) {
    expect([text, kindOf(text)]).toEqual([text, kinds.integer]);
  }
  for (const text of [
    "007",
    "-01",
    "+1",
    " 1",
    "1 ",
    "1,000",
    "9223372036854775808",
    "-9223372036854775809",
    "-",
    "12a",
    "0x1F",
  ]) {
    expect([text, kindOf(text)]).toEqual([text, kinds.text]);
  }
});

test("decimals that a double holds", () => {
  for (const text of [
    "1.5",
    "-0.25",
    ".5",
    "5.",
    "0.0",
    "1e5",
    "1.5E-10",
    "0.30000000000000004",
    "-1e+300",
  ]) {
    expect([text, kindOf(text)]).toEqual([text, kinds.real]);
  }
  for (const text of [
    ".",
    "-.",
    "1.2.3",
    "00.5",
    "1e",
    "e5",
    "1e5x",
    "1e999",
    "0.1234567890123456789",
    "NaN",
    "Infinity",
  ]) {
    expect([text, kindOf(text)]).toEqual([text, kinds.text]);
  }
  expect(kindOf("")).toBe(kinds.empty);
});

const cell = (text: string, type: ColumnType, emptyIsNull = false): unknown =>
  toCell(text, type, emptyIsNull);

test("cells", () => {
  expect(cell("", "TEXT")).toBe("");
  expect(cell("", "TEXT", true)).toBeNull();
  expect(cell("", "INTEGER")).toBeNull();
  expect(cell("12", "TEXT")).toBe("12");
  expect(cell("12", "INTEGER")).toBe(12);
  expect(cell("9007199254740993", "INTEGER")).toBe(9007199254740993n);
  expect(cell("1.50", "REAL")).toBe(1.5);
  expect(cell("007", "INTEGER")).toBe("007");
  expect(cell("n/a", "REAL")).toBe("n/a");
});

const between = (text: string): number | undefined =>
  numberBetween(`x${text}y`, 1, text.length + 1);

test("property: the fast path gives what Number gives, or nothing", () => {
  const decimal = fc
    .tuple(
      fc.boolean(),
      fc.bigInt({ min: 0n, max: 10n ** 17n }),
      fc.option(fc.integer({ min: 0, max: 17 })),
    )
    .map(([negative, digits, point]) => {
      const text = String(digits);
      const placed =
        point === null || point >= text.length
          ? text
          : `${text.slice(0, text.length - point)}.${text.slice(text.length - point)}`;
      return `${negative ? "-" : ""}${placed}`;
    });
  const text = fc.oneof(
    decimal,
    fc.double().map(String),
    fc.string({ unit: fc.constantFrom("0", "1", "9", ".", "-", "e", "+", " "), maxLength: 8 }),
  );
  fc.assert(
    fc.property(text, (field) => {
      const number = between(field);
      if (number === undefined) return;
      expect(kindOf(field)).toBeOneOf([kinds.integer, kinds.real]);
      expect(number).toBe(Number(field) + 0);
    }),
    { numRuns: 2000 },
  );
  expect(["12", "-3.25", "0", ".5", "123456789012.345"].map(between)).toEqual([
    12, -3.25, 0, 0.5, 123456789012.345,
  ]);
  expect(["", "-", ".", "01", "1e5", "1234567890123456"].map(between)).toEqual(
    Array(6).fill(undefined),
  );
});
