// What is beside what in a drawn graph.

import { expect, test } from "bun:test";

import { itemsOf, neighbours, nextNode } from "../../../src/page/app/graph-moves.ts";
import { drawnGraph } from "../../../src/page/data/graph-layout.ts";
import type { EdgeKind, RunGraph } from "../../../src/protocol/run-graph.ts";

const task = (id: string) => ({ id, kind: "task" as const, tasks: 1 });
const each = (id: string) => ({ id, kind: "each" as const, fanOuts: 1, items: 9 });
const edge = (from: string, to: string, kind: EdgeKind = "input") => ({ from, to, kind, count: 1 });

/** `list` fans out to `load`, which fans out to `part` and `other`; `report` reads the parts; `rates` is alone. */
const nested: RunGraph = {
  nodes: [
    task("list"),
    each("each:1"),
    task("load"),
    each("each:2"),
    task("part"),
    task("other"),
    task("report"),
    task("rates"),
  ],
  edges: [
    edge("list", "each:1"),
    edge("each:1", "load", "item"),
    edge("load", "each:2"),
    edge("each:1", "each:2", "item"),
    edge("each:2", "part", "item"),
    edge("each:2", "other", "item"),
    edge("part", "report"),
  ],
};
const graph = drawnGraph(nested);

test("a fan-out leads to the definitions of its items, also of those inside", () => {
  expect(itemsOf(graph, "each:2").toSorted()).toEqual(["other", "part"]);
  expect(itemsOf(graph, "each:1").toSorted()).toEqual(["load", "other", "part"]);
});

test("left and right go along the lines, up and down in the column", () => {
  expect(nextNode(graph, "list", "ArrowRight")).toBe("each:1");
  expect(nextNode(graph, "load", "ArrowLeft")).toBe("each:1");
  expect(nextNode(graph, "list", "ArrowLeft")).toBeUndefined();
  expect(nextNode(graph, "list", "x")).toBeUndefined();
  expect(nextNode(graph, "gone", "ArrowRight")).toBeUndefined();
  const key = (nodeY("list") ?? 0) < (nodeY("rates") ?? 0) ? "ArrowDown" : "ArrowUp";
  expect(nextNode(graph, "list", key)).toBe("rates");
  expect(nextNode(graph, "rates", key)).toBeUndefined();
});

const nodeY = (id: string): number | undefined => graph.nodes.find((node) => node.id === id)?.y;

test("what a line joins to a box is near it", () => {
  expect([...neighbours(graph, "part")].toSorted()).toEqual(["each:2", "part", "report"]);
});

test("lines leave a box in the middle of its right side, and come in on the left", () => {
  for (const { from, to, points } of graph.edges) {
    const [source, target] = [from, to].map((id) => graph.nodes.find((node) => node.id === id));
    if (source === undefined || target === undefined) throw new Error("no box");
    expect(points[0]).toEqual([
      Math.round(source.x + source.width),
      Math.round(source.y + source.height / 2),
    ]);
    expect(points.at(-1)).toEqual([Math.round(target.x), Math.round(target.y + target.height / 2)]);
  }
});

test("many boxes are small", () => {
  const nodes = Array.from({ length: 120 }, (_, i) => task(`t${i}`));
  const many = drawnGraph({ nodes, edges: [] });
  expect([graph.isDense, many.isDense]).toEqual([false, true]);
  expect(many.height / many.nodes.length).toBeLessThan(40);
});
