import { describe, expect, test } from "bun:test";
import { array, assert, constant, constantFrom, nat, property, record } from "fast-check";

import { drawnGraph } from "../../src/page/data/graph-layout.ts";
import type { EdgeKind, RunGraph } from "../../src/protocol/run-graph.ts";

const task = (id: string, tasks = 1) => ({ id, kind: "task" as const, tasks });
const each = (id: string, items: number) => ({ id, kind: "each" as const, fanOuts: 1, items });
const edge = (from: string, to: string, kind: EdgeKind, count = 1) => ({ from, to, kind, count });

const fanOut: RunGraph = {
  nodes: [task("list"), each("each:1", 60), task("load", 60), task("clean", 60), task("report")],
  edges: [
    edge("list", "each:1", "input"),
    edge("each:1", "load", "item", 60),
    edge("load", "clean", "input", 60),
    edge("clean", "each:1", "result", 60),
    edge("each:1", "report", "input"),
  ],
};

const linesOf = (graph: RunGraph): string[] =>
  drawnGraph(graph).edges.map(({ from, to, kind }) => `${from} → ${to} (${kind})`);

describe("a fan-out", () => {
  test("is a box, and its results go from its last tasks to the reader", () => {
    expect(linesOf(fanOut)).toEqual([
      "list → each:1 (input)",
      "each:1 → load (item)",
      "load → clean (input)",
      "clean → report (input)",
    ]);
  });

  test("lies in the direction of the flow", () => {
    const xs = drawnGraph(fanOut).nodes.map(({ x }) => x);
    expect(xs).toEqual(xs.toSorted((a, b) => a - b));
  });

  test("within another gives the results of the inner one's last tasks", () => {
    const nested: RunGraph = {
      nodes: [each("each:1", 2), each("each:2", 4), task("load", 4), task("sum")],
      edges: [
        edge("each:1", "each:2", "item", 2),
        edge("each:2", "load", "item", 4),
        edge("load", "each:2", "result", 4),
        edge("each:2", "each:1", "result", 2),
        edge("each:1", "sum", "input"),
      ],
    };
    expect(linesOf(nested)).toContain("load → sum (input)");
  });
});

test("two kinds of edges between two tasks are one line: that which gives data", () => {
  const graph: RunGraph = {
    nodes: [task("a"), task("b")],
    edges: [edge("a", "b", "after", 2), edge("a", "b", "input", 3)],
  };
  expect(drawnGraph(graph).edges).toMatchObject([{ kind: "input", count: 5 }]);
});

test("more than 200 definitions are cut, and that is said", () => {
  const nodes = Array.from({ length: 201 }, (_, i) => task(`t${i}`));
  const drawn = drawnGraph({ nodes, edges: [edge("t0", "t200", "input")] });
  expect([drawn.nodes.length, drawn.edges.length, drawn.isCut]).toEqual([200, 0, true]);
});

/** Users can edit the stored graph: circles, loops and unknown ends are drawn as far as they can be. */
const anyGraph = array(constantFrom("a", "b", "each:c", "each:d", "gone"), { maxLength: 4 }).chain(
  (ids) =>
    record({
      nodes: constant(
        [...new Set(ids)].map((id) => (id.startsWith("each:") ? each(id, 2) : task(id))),
      ),
      edges: array(
        record({
          from: constantFrom("a", "b", "each:c", "each:d"),
          to: constantFrom("a", "b", "each:c", "each:d"),
          kind: constantFrom<EdgeKind>("input", "after", "item", "result"),
          count: nat(9),
        }),
        { maxLength: 10 },
      ),
    }),
);

test("no two boxes overlap, and lines join boxes that are there", () => {
  assert(
    property(anyGraph, (graph) => {
      const { nodes, edges } = drawnGraph(graph);
      const ids = new Set(nodes.map(({ id }) => id));
      for (const { from, to, points } of edges) {
        expect([ids.has(from), ids.has(to), points.length > 1]).toEqual([true, true, true]);
      }
      for (const [i, a] of nodes.entries()) {
        for (const b of nodes.slice(i + 1)) {
          const apart =
            a.x + a.width <= b.x ||
            b.x + b.width <= a.x ||
            a.y + a.height <= b.y ||
            b.y + b.height <= a.y;
          expect(apart).toBe(true);
        }
      }
    }),
  );
});
