// JSON text with the value that it has on paper: numbers exactly, and members that are given twice.

import { expect } from "bun:test";
import * as fc from "fast-check";

export type Paper =
  | { readonly kind: "number"; readonly literal: string }
  | { readonly kind: "text"; readonly literal: string; readonly value: string }
  | { readonly kind: "word"; readonly literal: "true" | "false" | "null" }
  | { readonly kind: "list"; readonly items: readonly Paper[] }
  | {
      readonly kind: "object";
      readonly members: readonly (readonly [Paper & { kind: "text" }, Paper])[];
    };

const digits = fc.string({
  unit: fc.constantFrom(..."0123456789".split("")),
  minLength: 1,
  maxLength: 25,
});
const whole = fc.oneof(
  fc.constant("0"),
  fc.constantFrom("9007199254740993", "9007199254740992", "1e308", "18014398509481984"),
  digits.map((text) => text.replace(/^0+(?=.)/, "")),
);
export const number = fc
  .tuple(
    fc.constantFrom("", "-"),
    whole,
    fc.option(digits),
    fc.option(
      fc.tuple(fc.constantFrom("e", "E", "e+", "E-", "e-"), fc.integer({ min: 0, max: 400 })),
    ),
  )
  .map(([sign, int, fraction, exponent]): Paper => ({
    kind: "number",
    literal: `${sign}${/e/.test(int) ? "1" : int}${fraction === null ? "" : `.${fraction}`}${exponent === null ? "" : exponent.join("")}`,
  }));

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
const character = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }).map((char) => {
    const quoted = JSON.stringify(char).slice(1, -1);
    return [quoted, char] as const;
  }),
  fc
    .integer({ min: 0, max: 0xffff })
    .map((code) => [escaped(String.fromCharCode(code)), String.fromCharCode(code)] as const),
  fc.constantFrom(
    ["\\/", "/"] as const,
    ['\\"', '"'] as const,
    ["\\\\", "\\"] as const,
    ["\\n", "\n"] as const,
  ),
);
export const text = fc
  .oneof(
    fc.array(character, { maxLength: 6 }),
    fc
      .constantFrom("__proto__", "constructor", "a", "b", "toString")
      .map((word) => word.split("").map((char) => [char, char] as const)),
  )
  .map((chars): Paper & { kind: "text" } => ({
    kind: "text",
    literal: `"${chars.map(([literal]) => literal).join("")}"`,
    value: chars.map(([, char]) => char).join(""),
  }));

export const { paper } = fc.letrec<{ paper: Paper }>((tie) => ({
  paper: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom<Paper>(
      { kind: "word", literal: "true" },
      { kind: "word", literal: "false" },
      { kind: "word", literal: "null" },
    ),
    number,
    text,
    fc.array(tie("paper"), { maxLength: 4 }).map((items): Paper => ({ kind: "list", items })),
    fc
      .array(fc.tuple(text, tie("paper")), { maxLength: 4 })
      .map((members): Paper => ({ kind: "object", members })),
  ),
}));

export const blanks = fc.infiniteStream(fc.constantFrom("", "", " ", "\n", "\t\r\n"));

export function written(value: Paper, blank: () => string): string {
  const spaced = (inner: string): string => blank() + inner + blank();
  switch (value.kind) {
    case "number":
    case "text":
    case "word":
      return value.literal;
    case "list":
      return `[${spaced(value.items.map((item) => spaced(written(item, blank))).join(","))}]`;
    case "object":
      return `{${spaced(value.members.map(([key, member]) => `${spaced(key.literal)}:${spaced(written(member, blank))}`).join(","))}}`;
  }
}

/** The exact value of a decimal literal: `digits × 10^exponent`. */
export function exact(literal: string): { digits: bigint; exponent: number } {
  const [mantissa = "", power = "0"] = literal.toLowerCase().split("e");
  const [int = "", fraction = ""] = mantissa.split(".");
  let significant = BigInt((int === "-" || int === "" ? `${int}0` : int) + fraction);
  let exponent = Number(power) - fraction.length + 0;
  while (significant !== 0n && significant % 10n === 0n) {
    significant /= 10n;
    exponent++;
  }
  return significant === 0n ? { digits: 0n, exponent: 0 } : { digits: significant, exponent };
}

/** Whether JSON.parse keeps all of it. */
export function isKept(value: Paper): boolean {
  switch (value.kind) {
    case "number": {
      const parsed = Number(value.literal);
      return Number.isFinite(parsed) && Bun.deepEquals(exact(value.literal), exact(String(parsed)));
    }
    case "list":
      return value.items.every(isKept);
    case "object": {
      const keys = value.members.map(([key]) => key.value);
      return (
        new Set(keys).size === keys.length && value.members.every(([, member]) => isKept(member))
      );
    }
    case "text":
    case "word":
      return true;
  }
}

/** The number with as many digits as the literal has: 40000000000.013397 prints as 40000000000.0134, and is that double. */
function sameDigits(kept: string, literal: string): ReturnType<typeof exact> {
  const wanted = String(exact(literal).digits).replace("-", "").length;
  const has = String(exact(kept).digits).replace("-", "").length;
  return exact(has < wanted ? Number(kept).toExponential(Math.min(wanted - 1, 100)) : kept);
}

export function assertSame(found: unknown, value: Paper): void {
  switch (value.kind) {
    case "number": {
      // A number that a double does not hold may be kept as its text.
      const kept = JSON.isRawJSON(found) ? found.rawJSON : String(found);
      expect(typeof found === "number" || JSON.isRawJSON(found)).toBeTrue();
      return expect(sameDigits(kept, value.literal)).toEqual(exact(value.literal));
    }
    case "text":
      return expect(found).toBe(value.value);
    case "word":
      return expect(String(found)).toBe(value.literal);
    case "list": {
      const list = found as unknown[];
      expect(Array.isArray(list) && list.length === value.items.length).toBeTrue();
      return value.items.forEach((item, i) => assertSame(list[i], item));
    }
    case "object": {
      const object = new Map(Object.entries(found as object));
      expect(object.size).toBe(value.members.length);
      for (const [key, member] of value.members) {
        expect(object.has(key.value)).toBeTrue();
        assertSame(object.get(key.value), member);
      }
    }
  }
}

/** Whether an object in it has two members of one name. */
export function hasTwice(value: Paper): boolean {
  if (value.kind === "list") return value.items.some(hasTwice);
  if (value.kind !== "object") return false;
  const keys = new Set(value.members.map(([key]) => key.value));
  return keys.size < value.members.length || value.members.some(([, member]) => hasTwice(member));
}
