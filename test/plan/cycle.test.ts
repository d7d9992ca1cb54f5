import { expect, test } from "bun:test";
import * as fc from "fast-check";

import { circleBelow } from "../../src/plan/cycle.ts";

type Dot = { readonly name: number; readonly dependents: Dot[] };

const dots = (count: number): Dot[] =>
  Array.from({ length: count }, (_, name) => ({ name, dependents: [] }));

test("property: an order has no circle; one edge back makes one, and it is named in order", () => {
  const graph = fc.record({
    size: fc.integer({ min: 2, max: 30 }),
    edges: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 80 }),
  });
  fc.assert(
    fc.property(graph, ({ size, edges }) => {
      const all = dots(size);
      for (const [a, b] of edges) {
        const [from, to] = [Math.min(a % size, b % size), Math.max(a % size, b % size)];
        const target = all[to];
        if (from !== to && target !== undefined) all[from]?.dependents.push(target);
      }
      expect(circleBelow(all)).toBeUndefined();
      for (const [i, dot] of all.entries()) {
        const following = all[i + 1];
        if (following !== undefined) dot.dependents.push(following);
      }
      const [first] = all;
      if (first !== undefined) all.at(-1)?.dependents.push(first);
      const circle = circleBelow(all) ?? [];
      expect(circle.length).toBeGreaterThan(0);
      for (const [i, dot] of circle.entries()) {
        expect(dot.dependents).toContain(circle[(i + 1) % circle.length] as Dot);
      }
    }),
  );
});

test("a chain of 100,000 is no deeper than the stack", () => {
  const all = dots(100_000);
  for (const [i, dot] of all.entries()) {
    const following = all[i + 1];
    if (following !== undefined) dot.dependents.push(following);
  }
  expect(circleBelow(all)).toBeUndefined();
});
