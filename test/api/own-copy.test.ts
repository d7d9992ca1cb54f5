import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { ownCopy } from "../../src/api/own-copy.ts";
import { node } from "../support/nodes.ts";

test("what the author changes afterwards does not reach the copy, at any depth", () => {
  const deep = { x: 1 };
  const batch = [1, 2];
  const input = { deep, batch, rows: [deep] };
  const copy = ownCopy(input);
  deep.x = 9;
  batch.length = 0;
  input.rows.push(deep);
  expect(copy).toEqual({ deep: { x: 1 }, batch: [1, 2], rows: [{ x: 1 }] });
});

test("property: the copy of a JSON value is equal, and shares no part of it", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = JSON.stringify(value);
      const copy = ownCopy(value);
      empty(value);
      expect(JSON.stringify(copy)).toBe(text);
    }),
  );
});

function empty(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const key of Object.keys(value)) {
    empty(Reflect.get(value, key));
    Reflect.deleteProperty(value, key);
  }
}

test("nodes, and what planning will refuse, stay the same objects", () => {
  const a = node("a");
  const at = new Date(0);
  expect(ownCopy(a)).toBe(a);
  const copy = ownCopy({ a, list: [a, at] }) as { a: unknown; list: unknown[] };
  expect(copy.a).toBe(a);
  expect(copy.list[0]).toBe(a);
  expect(copy.list[1]).toBe(at);
});

test("one that holds itself is copied in no time, and still holds itself", () => {
  const loop: Record<string, unknown> = {};
  loop["left"] = { loop };
  loop["right"] = [loop, loop];
  const copy = ownCopy(loop) as typeof loop;
  expect(copy).not.toBe(loop);
  expect((copy["left"] as typeof loop)["loop"]).toBe(copy);
});

test("a list with holes keeps them, and a member called __proto__ stays a member", () => {
  // oxlint-disable-next-line no-sparse-arrays
  expect(1 in (ownCopy([1, , 3]) as unknown[])).toBe(false);
  const text = '{"__proto__":{"x":[1]}}';
  expect(JSON.stringify(ownCopy(JSON.parse(text)))).toBe(text);
});
