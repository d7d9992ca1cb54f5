// What is stored of a plan: definitions and fan-outs, and how often they depend on each other.

import { expect, test } from "bun:test";

import type { AnyNode } from "../../src/api/node.ts";
import type { RunGraph } from "../../src/protocol/run-graph.ts";
import { definition, fan, node as nodeOf } from "../support/nodes.ts";
import { done, Hand } from "../support/graph-hand.ts";
import { type NodeSettings, TaskNode } from "../../src/api/node.ts";

/** As a pipeline file: one definition for all tasks of a name. */
class Tasks {
  readonly #definitions = new Map<string, ReturnType<typeof definition>>();

  readonly node = (name: string, input?: unknown, settings?: NodeSettings): TaskNode => {
    const known = this.#definitions.get(name) ?? definition(name);
    this.#definitions.set(name, known);
    return new TaskNode(known, input, settings);
  };
}

const graphOf = ({ graph }: Hand): RunGraph => graph.definitions.graph((name) => name);
const edgesOf = (hand: Hand): string[] =>
  graphOf(hand).edges.map(({ from, to, kind, count }) => `${from} ${kind} ${to} ${count}`);

/** Fan-outs under short names. */
const named = (hand: Hand): string => {
  let text = JSON.stringify([graphOf(hand).nodes, edgesOf(hand)]);
  const fanOuts = graphOf(hand).nodes.filter(({ kind }) => kind === "each");
  for (const [index, { id }] of fanOuts.entries()) text = text.replaceAll(id, `each${index + 1}`);
  return text;
};
const nodesAndEdges = (hand: Hand): unknown => JSON.parse(named(hand));

test("tasks by definition; what is read, and what is only waited for", () => {
  const hand = new Hand();
  const { node } = new Tasks();
  const setup = node("setup");
  const days = [1, 2, 3].map((day) => node("load", { day, setup }));
  hand.addAll(node("report", { days }, { after: [node("check"), days[0] as AnyNode] }));
  expect(graphOf(hand)).toEqual({
    nodes: [
      { id: "setup", kind: "task", tasks: 1 },
      { id: "load", kind: "task", tasks: 3 },
      { id: "check", kind: "task", tasks: 1 },
      { id: "report", kind: "task", tasks: 1 },
    ],
    edges: [
      { from: "setup", to: "load", kind: "input", count: 3 },
      { from: "load", to: "report", kind: "input", count: 3 },
      { from: "check", to: "report", kind: "after", count: 1 },
    ],
    labels: "members",
  });
});

function labelsOf(...nodes: AnyNode[]): RunGraph["labels"] {
  const hand = new Hand();
  hand.addAll(...nodes);
  return graphOf(hand).labels;
}

test("whether tasks have labels that are not made of members of their inputs", () => {
  const { node } = new Tasks();
  const labelled = definition("labelled", { label: () => "x" });
  expect(labelsOf(node("a", { n: 1 }), node("b"), node("c", [1]), node("d", null))).toBe("members");
  expect(labelsOf(node("a", { n: 1 }), node("b", 1))).toBeUndefined();
  expect(labelsOf(node("a", "x"))).toBeUndefined();
  expect(labelsOf(node("a", node("result")))).toBeUndefined();
  expect(labelsOf(node("a", {}, { label: "x" }))).toBeUndefined();
  expect(labelsOf(new TaskNode(labelled, {}, undefined))).toBeUndefined();
});

test("names of nodes, as long as there are few", () => {
  const hand = new Hand();
  const { node } = new Tasks();
  hand.addAll(node("a"), node("a", 1, { name: "x" }), node("a", 2, { name: "x" }));
  expect(graphOf(hand).nodes).toEqual([{ id: "a", kind: "task", tasks: 3, names: [["x", 2]] }]);
  hand.addAll(...Array.from({ length: 200 }, (_, i) => node("a", i, { name: `n${i}` })));
  const [first] = graphOf(hand).nodes;
  expect(first).toMatchObject({ tasks: 203, hasMoreNames: true });
  expect(first?.kind === "task" && first.names?.length).toBe(100);
});

test("a fan-out is one node, and grows while its items are planned", () => {
  const hand = new Hand();
  const { node } = new Tasks();
  const loaded = fan(node("list"), (x) => node("save", { parsed: node("parse", x), key: "a" }));
  hand.addAll(node("report", { loaded }));
  expect(nodesAndEdges(hand)).toEqual([
    [
      { id: "list", kind: "task", tasks: 1 },
      { id: "each1", kind: "each", fanOuts: 1, items: 0 },
      { id: "report", kind: "task", tasks: 1 },
    ],
    ["list input each1 1", "each1 input report 1"],
  ]);
  hand.finish("list", done([1, 2, 3]));
  hand.unfoldAll();
  expect(nodesAndEdges(hand)).toEqual([
    [
      { id: "list", kind: "task", tasks: 1 },
      { id: "each1", kind: "each", fanOuts: 1, items: 3 },
      { id: "report", kind: "task", tasks: 1 },
      { id: "parse", kind: "task", tasks: 3 },
      { id: "save", kind: "task", tasks: 3 },
    ],
    [
      "list input each1 1",
      "save result each1 3",
      "each1 input report 1",
      "each1 item parse 3",
      "parse input save 3",
    ],
  ]);
});

test("an inner fan-out is one node, however many items are around it; two places are two", () => {
  const hand = new Hand();
  const { node } = new Tasks();
  const inner = (x: unknown): AnyNode => fan([1, 2], (y) => node("load", { x, y }));
  hand.addAll(
    fan(["a", "b", "c"], (x) => inner(x)),
    fan([1], () => node("other")),
  );
  hand.unfoldAll();
  expect(nodesAndEdges(hand)).toEqual([
    [
      { id: "each1", kind: "each", fanOuts: 1, items: 3 },
      { id: "each2", kind: "each", fanOuts: 1, items: 1 },
      { id: "each3", kind: "each", fanOuts: 3, items: 6 },
      { id: "load", kind: "task", tasks: 6 },
      { id: "other", kind: "task", tasks: 1 },
    ],
    [
      "each3 result each1 3",
      "other result each2 1",
      "each1 item each3 3",
      "load result each3 6",
      "each3 item load 6",
      "each2 item other 1",
    ],
  ]);
});

test("the name of a fan-out is the same in each run of the same code", () => {
  const ids = [1, 2].map(() => {
    const hand = new Hand();
    hand.addAll(fan(["a"], (x) => nodeOf(String(x))));
    return graphOf(hand).nodes[0]?.id;
  });
  expect(ids[0]).toMatch(/^each:[0-9a-z]+$/);
  expect(ids[1]).toBe(ids[0]);
});

test("a plan that makes definitions in a loop is cut, and says so", () => {
  const hand = new Hand();
  hand.addAll(...Array.from({ length: 600 }, (_, i) => nodeOf(`t${i}`)));
  const { nodes, isCut } = graphOf(hand);
  expect([nodes.length, nodes[0], isCut]).toEqual([
    500,
    { id: "t0", kind: "task", tasks: 1 },
    true,
  ]);
  const wide = new Hand();
  wide.addAll(
    nodeOf(
      "all",
      Array.from({ length: 60 }, (_, i) => nodeOf(`t${i}`)),
    ),
  );
  expect([graphOf(wide).edges.length, graphOf(wide).isCut]).toEqual([50, true]);
});
