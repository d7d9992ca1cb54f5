import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  type Kind,
  kindOf as kindOfBytes,
  kinds,
  toNumber,
  typeOfKinds,
} from "../../../src/formats/csv/types.ts";

// Surrounded by other bytes, as fields are.
const kindOf = (text: string): Kind => kindOfBytes(Buffer.from(`1${text}1`), 1, text.length + 1);
const numberOf = (text: string, isLoose = false): number | bigint | null | undefined =>
  toNumber(Buffer.from(`1${text}1`), 1, text.length + 1, isLoose);

const examples: Readonly<Record<keyof typeof kinds, readonly string[]>> = {
  empty: [""],
  integer: ["0", "7", "-7", "123456789012345", "9007199254740992", "-9007199254740992"],
  bigInteger: ["9007199254740993", "9223372036854775807", "-9223372036854775808"],
  real: [
    "1.5",
    "-0.25",
    "0.0",
    "5.0",
    "0.30000000000000004",
    "0.8414709848078965",
    "0.0000001",
    "6.1e-05",
    "1e-7",
    "-1.5e-10",
    "1e+16",
    "-1e+300",
  ],
  loose: [
    "12e-05",
    "1.10e-05",
    "1e-4",
    "1e+15",
    "6.12345678901234567e-05",
    ..."007|-01|-0|-0.0|+1| 1|1 |\t1|1.10|1.00|00.5|.5|5.|1e5|1234e8|1.5E-10".split("|"),
    "0.12345678901234567",
    "9007199254740993.0",
    "123456789012345678.5",
  ],
  huge: ["9223372036854775808", "-9223372036854775809", "009007199254740993", "1e999"],
  text: "1,000|-|+|.|-.|12a|0x1F|1.2.3|1e|e5|1e5x|NaN|Infinity|1 2|2026-01-02|1_000".split("|"),
};

test.each(Object.entries(examples))("fields that are %s", (name, fields) => {
  const kind = kinds[name as keyof typeof kinds];
  expect(fields.map((field) => [field, kindOf(field)])).toEqual(
    fields.map((field) => [field, kind]),
  );
});

/** A text after storage in a column of this type. */
function storedAs(type: string, field: string): unknown {
  using db = new Database(":memory:", { safeIntegers: true });
  db.run(`CREATE TABLE t (v ${type})`);
  db.run("INSERT INTO t VALUES (?)", [field]);
  return db.query<{ v: unknown }, []>("SELECT v FROM t").get()?.v;
}

test("a field is text exactly if a numeric column of SQLite stores it unchanged", () => {
  for (const [name, fields] of Object.entries(examples)) {
    for (const field of fields) {
      const isKept = storedAs("NUMERIC", field) === field;
      expect([field, isKept]).toEqual([field, name === "text" || name === "empty"]);
    }
  }
});

test("the type of a column keeps all of its kinds unchanged", () => {
  const { integer, bigInteger, real, loose, huge, text } = kinds;
  const types = (isKey: boolean): string[] =>
    [
      0,
      integer,
      bigInteger,
      integer | bigInteger,
      real,
      integer | real,
      bigInteger | real,
      integer | loose,
      huge,
      integer | text,
    ].map((seen) => typeOfKinds(seen, isKey));
  const wide = ["TEXT", "INTEGER", "INTEGER", "INTEGER", "REAL", "REAL"];
  expect(types(false)).toEqual([...wide, "TEXT", "TEXT", "TEXT", "TEXT"]);
  // As numbers, `1` and `1.0` are the same key.
  expect(types(true)).toEqual([...wide.slice(0, 4), ...Array(6).fill("TEXT")]);
});

test("a field as a number; null for an empty field, undefined for text", () => {
  expect(["", "12", "-7", "1.5", "5.0", "0.8414709848078965"].map((one) => numberOf(one))).toEqual([
    null,
    12,
    -7,
    1.5,
    5,
    0.8414709848078965,
  ]);
  expect(numberOf("9007199254740993")).toBe(9007199254740993n);
  expect(numberOf("-9223372036854775808")).toBe(-(2n ** 63n));
  for (const name of ["loose", "huge", "text"] as const) {
    expect(examples[name].map((one) => numberOf(one))).toEqual(examples[name].map(() => undefined));
  }
});

test("with a numeric type option, text that looks like a number becomes one", () => {
  const asked = ["007", "-0", "+1", " 1 ", "1.10", ".5", "5.", "1e3", "9007199254740993"];
  expect(asked.map((one) => numberOf(one, true))).toEqual([
    7,
    0,
    1,
    1,
    1.1,
    0.5,
    5,
    1000,
    9007199254740993n,
  ]);
  for (const one of [...examples.text, ...examples.huge])
    expect(numberOf(one, true)).toBeUndefined();
});

test("property: a number prints as its field, and a field is a number exactly if its kind is numeric", () => {
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
    fc.double({ min: -1000, max: 1000 }).map(String),
    fc.string({ unit: fc.constantFrom("0", "1", "9", ".", "-", "e", "+", " "), maxLength: 8 }),
  );
  fc.assert(
    fc.property(text, (field) => {
      const number = numberOf(field);
      const kind = kindOf(field);
      if (number === undefined) expect(kind).toBeOneOf([kinds.loose, kinds.huge, kinds.text]);
      else if (number === null) expect(kind).toBe(kinds.empty);
      else if (typeof number === "bigint") expect(String(number)).toBe(field);
      else if (kind === kinds.integer) expect(String(number)).toBe(field);
      else {
        expect(kind).toBe(kinds.real);
        expect(field).toBeOneOf([decimalOf(number), String(number)]);
      }
    }),
    { numRuns: 3000 },
  );
});

/** The shortest decimal of a double, without an exponent and with a point. */
function decimalOf(number: number): string {
  const text = String(number);
  const [mantissa = "", exponent] = text.split("e-");
  if (exponent === undefined) return text.includes(".") ? text : `${text}.0`;
  const digits = mantissa.replace(/[-.]/g, "");
  return `${number < 0 ? "-" : ""}0.${"0".repeat(Number(exponent) - 1)}${digits}`;
}
