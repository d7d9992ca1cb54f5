import { expect, test } from "bun:test";

import { isNode, type NodeSettings, type TaskNode } from "../../src/api/node.ts";
import { Graph } from "../../src/plan/graph.ts";
import { Selection } from "../../src/plan/selection.ts";
import type { TaskVertex } from "../../src/plan/vertex.ts";
import { fan as each, node } from "../support/nodes.ts";

const newTask =
  (name: string) =>
  (input: unknown, settings?: NodeSettings): TaskNode =>
    node(name, input, settings);
const load = newTask("load");
const extract = newTask("extract");
const report = newTask("report");
const list = newTask("list");
const days = ["mon", "tue"];

/** Plans the selection, and runs it: each task yields `results` of its name. */
function run(
  only: Record<string, string[]>,
  nodes: readonly unknown[],
  results: Record<string, unknown> = {},
  titles: readonly string[] = [],
) {
  const selection = new Selection({ members: new Map(Object.entries(only)), titles });
  const ran: string[] = [];
  const ready: TaskVertex[] = [];
  const graph = new Graph(
    {
      planned() {},
      ready: (vertex) => ready.push(vertex),
      skipped() {},
      readLate() {},
      fanOutFailed() {},
    },
    new Map(),
  );
  for (const picked of selection.pick(nodes)) graph.add(picked);
  for (;;) {
    while (graph.canUnfold) graph.unfold();
    const vertex = ready.shift();
    if (vertex === undefined) break;
    ran.push(vertex.name);
    const result = JSON.stringify(results[vertex.name] ?? null);
    graph.finish(vertex, { status: "done", result });
  }
  expect(graph.isFinished).toBeTrue();
  return { ran: ran.toSorted(), said: () => selection.result(graph.tasks) };
}

const named = (name: string) => ({ name });

test("selected tasks, and what they need", () => {
  const nodes = days.map((day) =>
    load({ day, rows: extract({ of: day }, named(`extract ${day}`)) }, named(`load ${day}`)),
  );
  const { ran, said } = run({ day: ["tue"] }, nodes);
  expect(ran).toEqual(["extract tue", "load tue"]);
  expect(said()).toBe("only day=tue: 1 task is selected, with 1 that it needs");
});

test("deep in the plan: what needs them is left out", () => {
  const all = report({ all: each(days, (day) => load({ day }, named(`load ${String(day)}`))) });
  expect(run({ day: ["mon"] }, [all]).ran).toEqual(["load mon"]);
  expect(run({ day: ["mon", "tue"] }, [all]).ran).toEqual(["load mon", "load tue"]);
});

test("a fan-out over a result: its source runs, to know the items", () => {
  const all = report({ all: each(list({}), (day) => load({ day }, named(`load ${String(day)}`))) });
  const { ran, said } = run({ day: ["tue"] }, [all], { list: days });
  expect(ran).toEqual(["list", "load tue"]);
  expect(said()).toBe("only day=tue: 1 task is selected, with 1 that it needs");
});

test("a fan-out that a selected task needs runs whole, and once", () => {
  const loads = each(days, (day) => load({ day }, named(`load ${String(day)}`)));
  const month = report({ month: 5, all: loads }, named("report"));
  const other = report({ month: 6, all: loads }, named("other"));
  expect(run({ month: ["5"] }, [other, month]).ran).toEqual(["load mon", "load tue", "report"]);
});

test("values are compared as text; a value that holds others is none", () => {
  const nodes = [
    load({ n: 1 }, named("number")),
    load({ n: "1" }, named("text")),
    load({ n: true }, named("true")),
    load({ n: null }, named("null")),
    load({ n: [1] }, named("list")),
    load({ n: extract({}) }, named("node")),
    load("1", named("no members")),
  ];
  expect(run({ n: ["1"] }, nodes).ran).toEqual(["number", "text"]);
  expect(run({ n: ["true", "null"] }, nodes).ran).toEqual(["null", "true"]);
});

test("several members: all of them", () => {
  const nodes = days.flatMap((day) => [1, 2].map((page) => load({ day, page }, named(day + page))));
  expect(run({ day: ["mon"], page: ["2"] }, nodes).ran).toEqual(["mon2"]);
});

test("nothing selected names what there is", () => {
  const nodes = days.map((day) => load({ day, page: 1 }));
  expect(() => run({ day: ["sun"] }, nodes).said()).toThrow(
    "only day=sun: no task has this input; there are day=mon, day=tue",
  );
  expect(() => run({ date: ["mon"] }, nodes).said()).toThrow(
    'only date=mon: no task has "date" in its input; the inputs have day, page',
  );
  expect(() => run({ day: ["mon"] }, nodes, {}, ["laod"]).said()).toThrow(
    'only "laod", day=mon: there is no such task; did you mean "load"?',
  );
  expect(() => run({ day: ["sun"] }, nodes, {}, ["load"]).said()).toThrow(
    'only "load", day=sun: no task has this input; there are day=mon, day=tue',
  );
  const many = Array.from({ length: 12 }, (_, i) => load({ i: i + 100 }));
  expect(() => run({ i: ["7"] }, many).said()).toThrow("i=109 and 2 more");
});

test("what is no node is passed on: the graph says what is wrong with it", () => {
  expect(
    new Selection({ members: new Map([["a", ["1"]]]), titles: [] })
      .pick([7, load({ a: 1 })])
      .map(isNode),
  ).toEqual([false, true]);
});
