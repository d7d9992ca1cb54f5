import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";

import { AlteredJsonError, isExactNumber, parseExactJson } from "../../src/base/exact-json.ts";

function refusal(text: string): [path: string, message: string] {
  try {
    parseExactJson(text);
  } catch (error) {
    if (error instanceof AlteredJsonError) return [error.path, error.message];
    throw error;
  }
  throw new Error("it was taken");
}

test("property: what JSON.stringify writes is read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(parseExactJson(text)).toEqual(JSON.parse(text));
    }),
  );
});

test("property: an integer is exact when its digits come back", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (integer) => {
      expect(isExactNumber(String(integer))).toBe(
        BigInt(Number(integer)) === integer && BigInt(exactDigits(Number(integer))) === integer,
      );
    }),
  );
});

/** As a double is written out: 2^64 is 18446744073709552000. */
const exactDigits = (value: number): string => {
  const [digits = "", exponent = "0"] = String(value).replace("e+", "e").split("e");
  const [whole = "", fraction = ""] = digits.split(".");
  return (whole + fraction).padEnd(whole.length + Number(exponent), "0");
};

test.each([
  "0",
  "-0",
  "5",
  "0.1",
  "1.10",
  "100e-2",
  "1e3",
  "1E+3",
  "5e-324",
  "1.7976931348623157e308",
  "9007199254740992",
  "0.30000000000000004",
])("%s is exact", (literal) => expect(isExactNumber(literal)).toBeTrue());

test.each([
  "9007199254740993",
  "-9007199254740993",
  "12345678901234567890",
  "3.14159265358979323846",
  "1e400",
  "1e-400",
  "0.30000000000000003",
  `1.${"0".repeat(2000)}1`,
])("%s is not", (literal) => expect(isExactNumber(literal)).toBeFalse());

describe("refused, with the place", () => {
  test.each<[text: string, path: string, message: string]>([
    [
      '{"id": 9007199254740993}',
      "id",
      "9007199254740993 has more digits than a number keeps (it would become 9007199254740992); put it in quotes: pass it as text",
    ],
    [
      '{"a":[{"b c":[1, 0.12345678901234567890]}]}',
      'a[0]["b c"][1]',
      "0.12345678901234567890 has more digits than a number keeps (it would become 0.12345678901234568); put it in quotes: pass it as text",
    ],
    [
      "1e999",
      "",
      "1e999 has more digits than a number keeps (it would become Infinity); put it in quotes: pass it as text",
    ],
    ['{"a":1,"b":{"a":1},"a":1}', "a", "is given twice; keep one of them"],
    ['{"a\\u0062":1,"ab":2}', "ab", "is given twice; keep one of them"],
    ['{"x":{"__proto__":1,"__proto__":2}}', "x.__proto__", "is given twice; keep one of them"],
  ])("%s", (text, path, message) => expect(refusal(text)).toEqual([path, message]));

  test("too deep", () => {
    const [, message] = refusal(`${"[".repeat(1002)}${"]".repeat(1002)}`);
    expect(message).toBe("more than 1000 levels deep");
  });
});

test("digits in a text are text, escapes and all", () => {
  const text = String.raw`{"a\"9007199254740993":"9007199254740993\\","b":"\\\"{[,:]}"}`;
  expect(parseExactJson(text)).toEqual(JSON.parse(text));
});

test("what is not JSON is a SyntaxError", () => {
  expect(() => parseExactJson("{bad")).toThrow(SyntaxError);
});
