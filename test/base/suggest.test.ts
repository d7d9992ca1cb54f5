import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { editDistance, nearest } from "../../src/base/suggest.ts";

describe("editDistance", () => {
  test.each([
    ["", "", 0],
    ["", "abc", 3],
    ["demo", "demo", 0],
    ["dmeo", "demo", 1],
    ["demoo", "demo", 1],
    ["stauts", "status", 1],
    ["kitten", "sitting", 3],
  ])("%s → %s", (a, b, distance) => expect(editDistance(a, b)).toBe(distance));

  test("is symmetric, 0 only for equals, and at most the longer length", () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(editDistance(b, a)).toBe(distance);
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      }),
    );
  });
});

describe("nearest", () => {
  const commands = ["demo", "run", "status", "init", "init-db", "examples", "query"];

  test.each([
    ["stauts", "status"],
    ["dmo", "demo"],
    ["initdb", "init-db"],
    ["init_db", "init-db"],
    ["exa", "examples"],
    ["Status", "status"],
    ["rn", "run"],
    ["deploy", undefined],
    ["x", undefined],
    ["", undefined],
  ])("%s → %s", (typed, expected) => expect(nearest(typed, commands)).toBe(expected));

  test("one slip in a word of four letters or more is found", () => {
    const long = commands.filter((name) => name.length >= 4);
    fc.assert(
      fc.property(fc.constantFrom(...long), fc.nat({ max: 3 }), (name, at) => {
        const dropped = name.slice(0, at) + name.slice(at + 1);
        expect(nearest(dropped, [name])).toBe(name);
      }),
    );
  });

  test("a page of text is not compared", () => {
    expect(nearest("status".repeat(10_000), commands)).toBeUndefined();
  });
});
