import { expect, test } from "bun:test";
import * as fc from "fast-check";

import { IdTable } from "../../src/base/id-table.ts";

const id = fc.oneof(
  fc.integer({ min: 0, max: 200 }),
  fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  // Beyond 32 bits: two of them may have the same home.
  fc.integer({ min: 2 ** 32, max: 2 ** 32 + 200 }),
);
const step = fc.record({ id, does: fc.constantFrom("set", "set", "delete") });

const ascending = (ids: Iterable<number>): number[] => [...ids].toSorted((a, b) => a - b);

test("property: what a Map would say", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const table = new IdTable<number, object>();
      const model = new Map<number, object>();
      for (const [at, { id: each, does }] of steps.entries()) {
        if (does === "set") {
          const value = { at };
          table.set(each, value);
          model.set(each, value);
        } else {
          expect(table.delete(each)).toBe(model.get(each));
          model.delete(each);
        }
        expect(table.size).toBe(model.size);
      }
      for (const { id: each } of steps) expect(table.get(each)).toBe(model.get(each));
      expect(ascending(table.ids)).toEqual(ascending(model.keys()));
      expect(new Set(table.values)).toEqual(new Set(model.values()));
    }),
  );
});
