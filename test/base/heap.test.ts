import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { Heap } from "../../src/base/heap.ts";

test("property: gives what was put in, the first of it each time", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(20), { nil: "pop" as const })), (steps) => {
      const heap = new Heap<number>((a, b) => a < b);
      const model: number[] = [];
      for (const step of steps) {
        if (step === "pop") expect(heap.pop()).toBe(model.shift());
        else {
          heap.push(step);
          model.push(step);
          model.sort((a, b) => a - b);
        }
        expect([heap.size, heap.peek()]).toEqual([model.length, model[0]]);
        expect([...heap].toSorted((a, b) => a - b)).toEqual(model);
      }
    }),
  );
});
