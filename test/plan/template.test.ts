import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { AnyNode } from "../../src/api/node.ts";
import { fill, nodesIn, toTemplate } from "../../src/plan/template.ts";
import { NotJsonError } from "../../src/base/json.ts";
import { node } from "../support/nodes.ts";

const a = node("a");
const b = node("b");
const texts = new Map<AnyNode, string>([
  [a, "[1,2]"],
  [b, '"b"'],
]);
const filled = (input: unknown): string =>
  fill(
    toTemplate(input, "input", (at) => at),
    (at) => texts.get(at) ?? "missing",
  );

describe("an input's text", () => {
  test.each<[input: unknown, text: string]>([
    [undefined, "null"],
    [null, "null"],
    [3, "3"],
    ["x", '"x"'],
    [{ a: 1, b: undefined, c: [true] }, '{"a":1,"c":[true]}'],
    [a, "[1,2]"],
    [[a, b, a], '[[1,2],"b",[1,2]]'],
    [{ x: a, y: { z: [b, 1] }, w: undefined }, '{"x":[1,2],"y":{"z":["b",1]}}'],
    [[undefined, a], "error: input[0]"],
    [{ x: a, at: new Date(0) }, "error: input.at"],
    [{ x: a, f: [() => 1] }, "error: input.f[0]"],
    [{ at: new Date(0) }, "error: input.at"],
  ])("%#", (input, text) => {
    let found: string;
    try {
      found = filled(input);
    } catch (error) {
      if (!(error instanceof NotJsonError)) throw error;
      found = `error: ${error.path}`;
    }
    expect(found).toBe(text);
  });
});

test("property: without a node it is the value's JSON; with one, what stands in its place", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      expect(filled(value)).toBe(JSON.stringify(value));
      expect(filled({ value, a })).toBe(`{"value":${JSON.stringify(value)},"a":[1,2]}`);
    }),
  );
});

test("nodes are found, in order, each once", () => {
  expect(nodesIn({ x: [a, { y: b }], z: a })).toEqual([a, b]);
  expect(nodesIn("text")).toEqual([]);
});

// Seen as a hang, and as a stack that overflows.
describe("an input that holds itself is refused, in no time", () => {
  const refused = /nested more than|holds itself/;
  test("in an object, twice", () => {
    const loop: Record<string, unknown> = {};
    loop["left"] = { loop };
    loop["right"] = { loop };
    expect(() => filled(loop)).toThrow(refused);
    expect(() => filled({ loop, a })).toThrow(refused);
    expect(nodesIn({ loop, a })).toEqual([a]);
  });

  test("in a list", () => {
    const loop: unknown[] = [a];
    loop.push(loop, loop);
    expect(() => filled(loop)).toThrow(refused);
  });
});
