import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  type Kind,
  kindOf as kindOfBytes,
  kinds,
  toNumber,
} from "../../../src/examples/csv/types.ts";

// Between others, as fields are.
const kindOf = (text: string): Kind => kindOfBytes(Buffer.from(`1${text}1`), 1, text.length + 1);
const numberOf = (text: string): number | bigint | null | undefined =>
  toNumber(Buffer.from(`1${text}1`), 1, text.length + 1);

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

test("the number of a field; null for an empty one, undefined for text", () => {
  expect(["", "12", "-7", "1.50", "1e3", "-0", "-0.0", ".5", "5."].map(numberOf)).toEqual([
    null,
    12,
    -7,
    1.5,
    1000,
    0,
    0,
    0.5,
    5,
  ]);
  expect(numberOf("9007199254740993")).toBe(9007199254740993n);
  expect(numberOf("-9223372036854775808")).toBe(-(2n ** 63n));
  expect(["007", "n/a", "-", ".", "1.2.3", "+1", " 1"].map(numberOf)).toEqual(
    Array(7).fill(undefined),
  );
});

test("property: a number is what Number says, and a field is one exactly when its kind says so", () => {
  const decimal = fc
    .tuple(
      fc.boolean(),
      fc.bigInt({ min: 0n, max: 10n ** 20n }),
      fc.option(fc.integer({ min: 0, max: 20 })),
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
      const number = numberOf(field);
      const kind = kindOf(field);
      if (number === undefined) expect(kind).toBe(kinds.text);
      else if (number === null) expect(kind).toBe(kinds.empty);
      else if (typeof number === "bigint") expect(String(number)).toBe(field);
      else {
        expect(kind).toBeOneOf([kinds.integer, kinds.real]);
        expect(number + 0).toBe(Number(field) + 0);
      }
    }),
    { numRuns: 3000 },
  );
});
