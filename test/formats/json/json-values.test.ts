import { expect, test } from "bun:test";
import { assert, bigInt, constantFrom, double, property } from "fast-check";
import { cellOf, parseExact } from "../../../src/formats/json/json-values.ts";

const cell = (text: string): unknown => cellOf(parseExact(text));

test.each([
  ["9007199254740991", 9_007_199_254_740_991],
  ["9007199254740992", 9_007_199_254_740_992n],
  ["9007199254740993", 9_007_199_254_740_993n],
  ["-9223372036854775808", -9_223_372_036_854_775_808n],
  ["9223372036854775808", "9223372036854775808"],
  ["0.1", 0.1],
  ["1.10", 1.1],
  // 17 digits, as C and Java print doubles.
  ["0.10000000000000001", 0.1],
  ["0.30000000000000004", 0.1 + 0.2],
  ["3.141592653589793238", "3.141592653589793238"],
  ["9007199254740993.0", "9007199254740993.0"],
  ["12345678.123456789012", "12345678.123456789012"],
  // Halfway between two decimals of 16 digits: as a number it prints with .2.
  ["900719925474099.3", "900719925474099.3"],
  ["900719925474099.2", Number("900719925474099.2")],
  ["1e400", "1e400"],
  ["1e-400", "1e-400"],
  ["5e-324", 5e-324],
  ["1.5e300", 1.5e300],
  ['{"id":9007199254740993,"of":[1e400,true]}', '{"id":9007199254740993,"of":[1e400,true]}'],
  ['"9007199254740993"', "9007199254740993"],
] as const)("%s", (text, expected) => {
  expect(cell(text)).toBe(expected);
});

test("integers of any size are kept exactly, also nested ones", () => {
  assert(
    property(bigInt(), constantFrom("", " ", "\n"), (integer, blank) => {
      expect(String(cell(`${integer}${blank}`))).toBe(String(integer));
      expect(cell(`{"a":[${integer}${blank}]}`)).toBe(`{"a":[${integer}]}`);
    }),
  );
});

test("what JSON.stringify prints comes back the same", () => {
  assert(
    property(double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      const held = cell(JSON.stringify(number));
      expect(typeof held === "number" ? held : Number(held)).toBe(number === 0 ? 0 : number);
    }),
  );
});

test("an unpaired surrogate is refused, but kept inside JSON text", () => {
  expect(() => cell('"\\ud83d"')).toThrow("unpaired surrogate");
  expect(cell('{"a":"\\ud83d"}')).toBe('{"a":"\\ud83d"}');
});
