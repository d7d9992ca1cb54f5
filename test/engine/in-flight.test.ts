import { expect, test } from "bun:test";
import * as fc from "fast-check";

import type { TaskVertex } from "../../src/plan/vertex.ts";
import { InFlight } from "../../src/engine/in-flight.ts";
import { taskId } from "../../src/protocol/ids.ts";

const vertex = (id: number): TaskVertex =>
  ({ id, name: `t${id}`, inputText: "x".repeat(id % 7) }) as unknown as TaskVertex;

const id = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 2 ** 31 - 1 }));

test("property: what a Map would say", () => {
  const step = fc.record({ id, adds: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const table = new InFlight();
      const model = new Map<number, TaskVertex>();
      for (const { id: each, adds } of steps) {
        if (!adds) {
          table.delete(taskId(each));
          model.delete(each);
        } else if (!model.has(each)) {
          const made = vertex(each);
          table.add(made);
          model.set(each, made);
        }
        expect(table.size).toBe(model.size);
        const texts = [...model.values()].map(({ inputText }) => inputText);
        expect(table.chars).toBe(texts.join("").length);
      }
      for (const { id: each } of steps) expect(table.get(taskId(each))).toBe(model.get(each));
      const ids = [...table].map((each) => Number(each.id)).toSorted((a, b) => a - b);
      expect(ids).toEqual([...model.keys()].toSorted((a, b) => a - b));
    }),
  );
});

test("what is taken out while it is gone through is still gone through", () => {
  const table = new InFlight();
  for (let each = 1; each <= 100; each++) table.add(vertex(each));
  let seen = 0;
  for (const { id: each } of table) {
    table.delete(taskId(Number(each)));
    seen++;
  }
  expect([seen, table.size]).toEqual([100, 0]);
});
