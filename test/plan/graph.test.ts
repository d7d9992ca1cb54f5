// The graph against a model: what each expression must come to is computed from the expression alone.

import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { type AnyNode, EachNode, TaskNode } from "../../src/api/node.ts";
import { Graph } from "../../src/plan/graph.ts";
import { PlanError } from "../../src/plan/plan-error.ts";
import {
  resultText,
  type TaskVertex,
  type Vertex,
  type VertexOutcome,
} from "../../src/plan/vertex.ts";
import { fill } from "../../src/plan/template.ts";
import type { Failure } from "../../src/base/failure.ts";
import { assertNever } from "../../src/base/unreachable.ts";
import { fan, node } from "../support/nodes.ts";

const failure: Failure = { name: "Error", message: "boom" };
const failed: VertexOutcome = { status: "error", failure };
const done = (value: unknown): VertexOutcome => ({ status: "done", result: JSON.stringify(value) });

/** A graph whose tasks the test ends by hand. */
class Hand {
  readonly ready: TaskVertex[] = [];
  readonly skipped: { readonly name: string; readonly why: string }[] = [];
  readonly fanOutFailures: string[] = [];
  readonly graph: Graph;

  constructor() {
    this.graph = new Graph(
      {
        ready: (vertex) => this.ready.push(vertex),
        skipped: (vertex, { message }) => this.skipped.push({ name: vertex.name, why: message }),
        fanOutFailed: ({ message }) => this.fanOutFailures.push(message),
      },
      new Map(),
    );
  }

  /** Names of what is ready and has not been ended. */
  get names(): string[] {
    return this.ready.map((vertex) => vertex.name);
  }

  /** What the engine does when it hands a task out. */
  input(vertex: TaskVertex): unknown {
    this.graph.settleWantsResult(vertex);
    return JSON.parse(fill(vertex.input ?? "null", resultText));
  }

  /** Handed out now; its end comes later. */
  handOut(name: string): TaskVertex {
    const vertex = this.ready.find((each) => each.name === name);
    if (vertex === undefined) throw new Error(`"${name}" is not ready`);
    this.graph.settleWantsResult(vertex);
    return vertex;
  }

  /** A pipeline that returns these. */
  addAll(...nodes: AnyNode[]): void {
    this.graph.addAll(nodes, () => true);
  }

  end(name: string, outcome: VertexOutcome): void {
    const index = this.ready.findIndex((vertex) => vertex.name === name);
    const [vertex] = this.ready.splice(index, 1);
    if (index === -1 || vertex === undefined) throw new Error(`"${name}" is not ready`);
    this.graph.settleWantsResult(vertex);
    this.graph.finish(vertex, outcome);
  }

  unfoldAll(): void {
    while (this.graph.canUnfold) this.graph.unfold();
  }
}

describe("one after the other", () => {
  test("a task is ready when all it depends on is done, and reads the results", () => {
    const hand = new Hand();
    const a = node("a");
    const b = node("b");
    hand.graph.add(node("c", { x: a, more: [b] }, { after: [node("d")] }));
    expect(hand.names.toSorted()).toEqual(["a", "b", "d"]);
    hand.end("a", done(1));
    hand.end("b", done([2]));
    expect(hand.names).toEqual(["d"]);
    hand.end("d", done("unread"));
    expect(hand.names).toEqual(["c"]);
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([{ x: 1, more: [[2]] }]);
    hand.end("c", done(null));
    expect(hand.graph.isFinished).toBe(true);
  });

  test("a node is planned once, however often it is passed on", () => {
    const hand = new Hand();
    const a = node("a");
    hand.graph.add(node("b", [a, a, { a }], { after: [a] }));
    hand.graph.add(a);
    expect(hand.graph.tasks).toBe(2);
    hand.end("a", done(1));
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([[1, 1, { a: 1 }]]);
  });

  test("who failed is named, down to the last that is skipped", () => {
    const hand = new Hand();
    const a = node("a");
    const b = node("b", a);
    hand.graph.add(node("c", [b], { after: [node("d")] }));
    hand.end("a", failed);
    expect(hand.skipped).toEqual([{ name: "b", why: 'skipped because task "a" did not finish' }]);
    hand.end("d", done(null));
    expect(hand.skipped[1]).toEqual({ name: "c", why: 'skipped because task "a" did not finish' });
    expect(hand.graph.isFinished).toBe(true);
  });

  test("an optional one that failed, or was skipped, is read as null", () => {
    const hand = new Hand();
    const a = node("a");
    const b = node("b", a, { optional: true });
    hand.graph.add(node("c", [b]));
    hand.end("a", failed);
    expect(hand.skipped.map(({ name }) => name)).toEqual(["b"]);
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([[null]]);
  });

  test("what is planned after the failure is skipped too", () => {
    const hand = new Hand();
    const a = node("a");
    hand.graph.add(a);
    hand.end("a", failed);
    hand.graph.add(node("b", a));
    expect(hand.skipped.map(({ name }) => name)).toEqual(["b"]);
    expect(hand.graph.isFinished).toBe(true);
  });
});

describe("fan-out", () => {
  test("over a list; its results come in the items' order", () => {
    const hand = new Hand();
    hand.graph.add(node("sum", [fan(["x", "y"], (item) => node(String(item)))]));
    hand.unfoldAll();
    hand.end("y", done("Y"));
    hand.end("x", done("X"));
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([[["X", "Y"]]]);
  });

  test("over what a task yields; how many there will be is not known before", () => {
    const hand = new Hand();
    hand.graph.add(fan(node("list"), (item, index) => node(`${String(item)}${index}`)));
    expect(hand.graph.isCountable).toBe(false);
    hand.end("list", done(["a", "b", "c"]));
    expect(hand.graph.isCountable).toBe(true);
    expect(hand.graph.tasks + hand.graph.expected).toBe(4);
    hand.unfoldAll();
    expect(hand.names.toSorted()).toEqual(["a0", "b1", "c2"]);
  });

  test("over nothing", () => {
    const hand = new Hand();
    hand.addAll(
      node(
        "end",
        fan([], () => node("never")),
      ),
    );
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([[]]);
  });

  test("an item may be a value, or hold several nodes", () => {
    const hand = new Hand();
    const several = { a: node("a"), b: [node("b")] };
    hand.graph.add(
      node(
        "end",
        fan([0, 1], (i) => (i === 0 ? "zero" : several)),
      ),
    );
    hand.unfoldAll();
    hand.end("a", done(1));
    hand.end("b", done(2));
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([["zero", { a: 1, b: [2] }]]);
  });

  test("over something that is no list: what waits for it is skipped", () => {
    const hand = new Hand();
    hand.graph.add(
      node(
        "end",
        fan(node("list"), () => node("never")),
      ),
    );
    hand.end("list", done({ rows: [] }));
    const why =
      'each: the source must yield a list, not an object with rows; task "list" yielded it; task "end" waits for the fan-out';
    expect(hand.fanOutFailures).toEqual([why]);
    expect(hand.skipped).toEqual([{ name: "end", why: `skipped because ${why}` }]);
    expect(hand.graph.isFinished).toBe(true);
    expect(hand.graph.isCountable).toBe(true);
  });

  test("an item that fails: the others go on, what waits for all is skipped because of it", () => {
    const hand = new Hand();
    hand.graph.add(
      node(
        "end",
        fan(["a", "b", "c"], (item) => node(String(item))),
      ),
    );
    hand.unfoldAll();
    hand.end("b", failed);
    expect(hand.names).toEqual(["a", "c"]);
    expect(hand.skipped).toEqual([]);
    hand.end("a", done(1));
    hand.end("c", done(1));
    expect(hand.skipped).toEqual([{ name: "end", why: 'skipped because task "b" did not finish' }]);
  });

  test("five levels deep", () => {
    const hand = new Hand();
    const level = (depth: number): unknown =>
      depth === 0 ? node("leaf") : fan([0, 1], () => level(depth - 1));
    hand.graph.add(node("end", level(5)));
    hand.unfoldAll();
    expect(hand.ready).toHaveLength(32);
    for (let i = 0; i < 32; i++) hand.end("leaf", done(i));
    const [end] = hand.ready;
    if (end === undefined) throw new Error("nothing is ready");
    expect(
      (hand.input(end) as unknown[][]).flat(4).toSorted((a, b) => Number(a) - Number(b)),
    ).toEqual(Array.from({ length: 32 }, (_, i) => i));
  });
});

// A node of the outer plan that an item passes on: known long before the item is.
describe("an item may pass on a node from outside", () => {
  test("one that is reached through the items alone", () => {
    const hand = new Hand();
    const config = node("config");
    hand.graph.created(config);
    hand.graph.add(fan(node("list"), (x) => node("work", { x, config })));
    hand.end("list", done([1, 2]));
    hand.unfoldAll();
    hand.end("config", done({ base: 10 }));
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([
      { x: 1, config: { base: 10 } },
      { x: 2, config: { base: 10 } },
    ]);
  });

  test("one that is done by then, and whose result nobody had asked for", () => {
    const hand = new Hand();
    const config = node("config");
    hand.graph.add(config);
    hand.graph.add(fan(node("list"), (x) => node("work", { x, config })));
    expect(hand.handOut("config").wantsResult).toBe(true);
    hand.end("config", done({ base: 10 }));
    hand.end("list", done([1]));
    hand.unfoldAll();
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([
      { x: 1, config: { base: 10 } },
    ]);
  });

  test("the item before", () => {
    const hand = new Hand();
    let before: unknown = null;
    hand.graph.add(fan(["a", "b"], (name) => (before = node(String(name), { before }))));
    hand.graph.unfold();
    hand.end("a", done("A"));
    hand.unfoldAll();
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([{ before: "A" }]);
    expect(hand.handOut("b").wantsResult).toBe(false);
  });

  test("a fan-out that is over by then, through a fan-out that is late", () => {
    const hand = new Hand();
    const early = fan(["a", "b"], (name) => node(String(name)));
    hand.addAll(
      early,
      fan(node("list"), (x) => node("work", { x, early })),
    );
    hand.end("a", done("A"));
    hand.end("b", done("B"));
    hand.end("list", done([1]));
    hand.unfoldAll();
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([{ x: 1, early: ["A", "B"] }]);
  });

  test("an empty fan-out, in the last item that there is", () => {
    const hand = new Hand();
    hand.addAll(
      fan(["x"], () =>
        node(
          "sum",
          fan([], () => node("never")),
        ),
      ),
    );
    hand.unfoldAll();
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([[]]);
  });

  test("a fan-out that a later node of the list reads", () => {
    const hand = new Hand();
    const some = fan(["a"], (name) => node(String(name)));
    const none = fan([], () => node("never"));
    hand.addAll(some, none, node("sum", { some, none }));
    hand.end("a", done(1));
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([{ some: [1], none: [] }]);
  });

  test("after a node of a stream that is done by then", () => {
    const hand = new Hand();
    hand.graph.expectsMore = true;
    const first = node("first");
    hand.graph.add(first);
    hand.end("first", done(1));
    hand.graph.add(node("second", { first }));
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([{ first: 1 }]);
  });

  test("what nobody can pass on any more is not kept", () => {
    const hand = new Hand();
    const a = node("a");
    hand.addAll(a, node("b", undefined, { after: [a] }));
    const vertex = hand.handOut("a");
    expect(vertex.wantsResult).toBe(false);
    hand.end("a", done("large"));
    expect(vertex.state).toEqual({ status: "done", result: undefined });
    expect(() => resultText(vertex)).toThrow('Internal error: the result of task "a" is read');
  });
});

/** Over what the task of this name yields. */
const late = (name: string): AnyNode => fan(node(name), (x) => node(`${name}${String(x)}`));

describe("the author's order", () => {
  test("of the nodes in a list that is an input", () => {
    const hand = new Hand();
    const days = ["1", "2", "3"].map((day) => node(day));
    hand.addAll(node("sum", { days, more: [node("4")] }, { after: [node("5")] }));
    expect(hand.names).toEqual(["1", "2", "3", "4", "5"]);
  });

  test("of fan-outs and tasks beside one another, and of fan-outs in one another", () => {
    const hand = new Hand();
    hand.addAll(
      fan(["a", "b"], (x) => fan([1, 2], (y) => node(`${String(x)}${String(y)}`))),
      node("c"),
      fan(["d", "e"], (x) => node(String(x))),
      node("f"),
    );
    expect(hand.names).toEqual(["a1", "a2", "b1", "b2", "c", "d", "e", "f"]);
  });

  test("of fan-outs whose lists come late, in whatever order", () => {
    const hand = new Hand();
    hand.addAll(late("a"), late("b"));
    hand.end("b", done([1, 2]));
    hand.end("a", done([1, 2]));
    hand.unfoldAll();
    expect(hand.names).toEqual(["a1", "a2", "b1", "b2"]);
  });

  test("of what is skipped", () => {
    const hand = new Hand();
    const a = node("a");
    hand.addAll(node("b", a), node("c", a), node("d", a));
    hand.end("a", failed);
    expect(hand.skipped.map(({ name }) => name)).toEqual(["b", "c", "d"]);
  });
});

const fanOver = (item: unknown): AnyNode => fan(item, (x) => node(`item ${String(x)}`));

describe("a source that is no list", () => {
  test.each<[what: string, value: unknown, found: string]>([
    ["null", null, "null"],
    ["a text", "abc", "a string"],
    ["an empty object", {}, "an object"],
  ])("%s", (_, value, found) => {
    const hand = new Hand();
    hand.addAll(fan(node("list"), () => node("never")));
    hand.end("list", done(value));
    expect(hand.fanOutFailures).toEqual([
      `each: the source must yield a list, not ${found}; task "list" yielded it`,
    ]);
    expect(hand.graph.isFinished).toBe(true);
  });

  test("as an item of another fan-out: the others go on", () => {
    const hand = new Hand();
    hand.addAll(node("sum", fan([[1], { a: 1 }], fanOver)));
    expect(hand.fanOutFailures).toHaveLength(1);
    hand.end("item 1", done(1));
    expect(hand.skipped).toMatchObject([
      { name: "sum", why: expect.stringContaining("must yield a list, not an object with a") },
    ]);
  });

  test("a function that returns nothing for an item fails the plan", () => {
    const hand = new Hand();
    const over = fan([1, 2], (_, i) => (i === 0 ? null : undefined));
    expect(() => hand.addAll(node("sum", over))).toThrow(
      "each: item 1: the function returned nothing; return the task that it calls, or null where there is none",
    );
  });

  test("an optional one that failed is read as null, through two fan-outs too", () => {
    const hand = new Hand();
    const list = node("list", undefined, { optional: true });
    const first = fan(list, () => node("never"));
    const second = fan(first, () => node("never"));
    hand.addAll(node("end", second));
    hand.end("list", failed);
    expect(hand.fanOutFailures).toEqual([]);
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([null]);
  });

  test("an optional one that failed is read as null by a node that a stream yields later", () => {
    const hand = new Hand();
    hand.graph.expectsMore = true;
    const over = fan(node("list", undefined, { optional: true }), () => node("never"));
    hand.addAll(over);
    hand.end("list", failed);
    hand.addAll(node("late", over));
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([null]);
  });

  test("an optional one that yields null has no excuse", () => {
    const hand = new Hand();
    hand.addAll(fan(node("list", undefined, { optional: true }), () => node("never")));
    hand.end("list", done(null));
    expect(hand.fanOutFailures).toHaveLength(1);
  });
});

/** What the author is told. */
function told(act: () => void): string {
  try {
    act();
  } catch (error) {
    if (error instanceof PlanError) return error.message;
    throw error;
  }
  throw new Error("nothing was wrong");
}

describe("what the author got wrong", () => {
  test("a node that nothing reaches is named, and others are counted", () => {
    const hand = new Hand();
    const reached = node("reached");
    hand.graph.created(reached);
    hand.graph.created(node("lost", undefined, { name: "lost one" }));
    hand.graph.created(node("lost too"));
    hand.graph.add(reached);
    expect(told(() => hand.graph.assertAllReached())).toMatch(/^task "lost one" .*\(and 1 more\)/);
  });

  test("of many nodes, the one that nothing reaches is still found", () => {
    const hand = new Hand();
    hand.graph.created(node("lost"));
    for (let i = 0; i < 20_000; i++) {
      const one = node("one");
      hand.graph.created(one);
      hand.graph.add(one);
    }
    expect(told(() => hand.graph.assertAllReached())).toContain('task "lost" was called');
  });

  test("a node that items may yet reach is not lost before they are unfolded", () => {
    const hand = new Hand();
    const config = node("config");
    hand.graph.created(config);
    hand.graph.add(fan(node("list"), () => node("work")));
    expect(hand.graph.isUnfolded).toBe(false);
    hand.end("list", done([1]));
    hand.unfoldAll();
    expect(hand.graph.isUnfolded).toBe(true);
    expect(told(() => hand.graph.assertAllReached())).toContain('task "config" was called');
  });

  test.each<[what: string, fanOut: (config: AnyNode) => AnyNode, list: VertexOutcome]>([
    ["an empty list", (config) => fan(node("list"), () => node("use", config)), done([])],
    ["no list", (config) => fan(node("list"), () => node("use", config)), done(null)],
    ["a list that failed", (config) => fan(node("list"), () => node("use", config)), failed],
    [
      "an empty list among others",
      (config) => fan([[1], []], (xs) => fan(xs, () => fan(node("list"), () => config))),
      done([]),
    ],
  ])(
    "what an item of %s might have used is not lost, and not left out in silence",
    (_, of, list) => {
      const hand = new Hand();
      const config = node("config");
      hand.graph.created(config);
      hand.addAll(of(config));
      hand.end("list", list);
      hand.unfoldAll();
      expect(hand.graph.assertAllReached()).toBe(
        'task "config" does not run: nothing returned depends on it, and a fan-out that may pass it on has no items',
      );
    },
  );

  test("a cycle through an input that was changed later is named", () => {
    const input: Record<string, unknown> = {};
    const a = node("a", input);
    input["b"] = node("b", { a });
    expect(told(() => new Hand().graph.add(a))).toMatch(/^task "[ab]" depends on itself/);
  });

  test("a cycle through `after` is named", () => {
    const after: AnyNode[] = [];
    const a = node("a", undefined, { after });
    after.push(node("b", undefined, { after: [a] }));
    expect(told(() => new Hand().graph.add(a))).toMatch(/^task "[ab]" depends on itself/);
  });

  test.each<[what: string, value: unknown, text: string]>([
    ["a task that was not called", Object.assign(() => 0, { taskName: "load" }), 'the task "load"'],
    ["a list", [[]], "a list"],
    ["an object", { a: 1 }, "an object with a"],
    ["undefined", undefined, "undefined"],
  ])("%s is no node", (_, value, text) => {
    expect(told(() => new Hand().graph.add(value))).toContain(text);
  });

  test("an input that is not JSON: the task and the place", () => {
    const wrong = node("load", { since: new Date(0) }, { name: "load it" });
    expect(told(() => new Hand().graph.add(wrong))).toBe(
      'task "load it": input.since is a Date; inputs must be JSON (use .toISOString())',
    );
  });

  test("an item that is not JSON: which", () => {
    const hand = new Hand();
    hand.graph.add(fan([1, 2], (item) => (item === 2 ? { at: [1n] } : null)));
    expect(told(() => hand.unfoldAll())).toBe(
      "each: item 1: item.at[0] is a BigInt; inputs must be JSON",
    );
  });

  test("a pool that the pipeline does not have", () => {
    const of = node("load", undefined, { pool: "api" });
    expect(told(() => new Hand().graph.add(of))).toContain('task "load" names the pool "api"');
  });
});

describe("long", () => {
  const links = 10_000;

  test("a chain of tasks", () => {
    const hand = new Hand();
    let last = node("link");
    for (let i = 1; i < links; i++) last = node("link", last);
    hand.graph.add(last);
    for (let i = 0; i < links; i++) hand.end("link", done(i));
    expect(hand.graph.isFinished).toBe(true);
  });

  test("a chain of tasks of which the first fails", () => {
    const hand = new Hand();
    let last = node("first");
    for (let i = 1; i < links; i++) last = node("link", last);
    hand.graph.add(last);
    hand.end("first", failed);
    expect(hand.skipped).toHaveLength(links - 1);
    expect(hand.graph.isFinished).toBe(true);
  });

  test("a chain of fan-outs", () => {
    const hand = new Hand();
    let last: AnyNode = node("list");
    for (let i = 1; i < links; i++) last = fan(last, (item) => item);
    hand.graph.add(node("end", last));
    hand.end("list", done([]));
    hand.unfoldAll();
    expect(hand.names).toEqual(["end"]);
  });

  test("a list of 50,000 nodes as one input", () => {
    const hand = new Hand();
    hand.graph.add(
      node(
        "end",
        Array.from({ length: 50_000 }, () => node("one")),
      ),
    );
    expect(hand.ready).toHaveLength(50_000);
  });
});

test("two runs over the same nodes know nothing of one another", () => {
  const a = node("a");
  const b = node("b", a);
  const first = new Hand();
  first.graph.add(b);
  first.end("a", failed);
  expect(first.graph.isFinished).toBe(true);
  const second = new Hand();
  second.graph.add(b);
  expect(second.names).toEqual(["a"]);
  second.end("a", done(1));
  second.end("b", done(2));
  expect(second.graph.isFinished).toBe(true);
});

// ── the model ──────────────────────────────────────────────────────────────────────────────────────────

/** What a piece of work is, as data; `shared` ones are made once and passed on wherever they are named. */
type Expression =
  | { readonly kind: "value"; readonly value: number }
  | { readonly kind: "item" }
  | { readonly kind: "shared"; readonly index: number }
  | {
      readonly kind: "task";
      readonly fails: boolean;
      readonly optional: boolean;
      readonly inputs: readonly Expression[];
      readonly after: readonly Expression[];
    }
  | {
      readonly kind: "each";
      /** A list as it stands, or one that a task yields. */
      readonly length: number;
      readonly byTask: boolean;
      readonly item: Expression;
    };

const { expression } = fc.letrec<{ expression: Expression; task: Expression }>((tie) => ({
  expression: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ kind: fc.constant("value" as const), value: fc.nat(9) }),
    fc.constant({ kind: "item" as const }),
    fc.record({ kind: fc.constant("shared" as const), index: fc.nat(2) }),
    tie("task"),
    fc.record({
      kind: fc.constant("each" as const),
      length: fc.nat(3),
      byTask: fc.boolean(),
      item: tie("expression"),
    }),
  ),
  task: fc.record({
    kind: fc.constant("task" as const),
    fails: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    optional: fc.boolean(),
    inputs: fc.array(tie("expression"), { maxLength: 3 }),
    after: fc.array(tie("task"), { maxLength: 1 }),
  }),
}));

type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false };
type Scope = { readonly shared: readonly Outcome[]; readonly item: number };

/** What it must come to. A task yields its inputs. */
function model(of: Expression, scope: Scope): Outcome {
  switch (of.kind) {
    case "value":
      return { ok: true, value: of.value };
    case "item":
      return { ok: true, value: scope.item };
    case "shared":
      return scope.shared[of.index] ?? { ok: true, value: null };
    case "task": {
      const inputs = of.inputs.map((input) => model(input, scope));
      const before = of.after.map((input) => model(input, scope));
      const runs = [...inputs, ...before].every(({ ok }) => ok);
      if (runs && !of.fails) {
        return { ok: true, value: inputs.map((input) => (input.ok ? input.value : null)) };
      }
      return of.optional ? { ok: true, value: null } : { ok: false };
    }
    case "each": {
      const items = Array.from({ length: of.length }, (_, item) =>
        model(of.item, { ...scope, item }),
      );
      return items.every(({ ok }) => ok)
        ? { ok: true, value: items.map((item) => (item.ok ? item.value : null)) }
        : { ok: false };
    }
    default:
      return assertNever(of);
  }
}

/** The same as nodes. */
function made(of: Expression, shared: readonly unknown[], item: number): unknown {
  switch (of.kind) {
    case "value":
      return of.value;
    case "item":
      return item;
    case "shared":
      return shared[of.index] ?? null;
    case "task":
      return node(
        of.fails ? "fails" : "echo",
        of.inputs.map((input) => made(input, shared, item)),
        {
          optional: of.optional,
          after: of.after.map((before) => made(before, shared, item) as AnyNode),
        },
      );
    case "each": {
      const list = Array.from({ length: of.length }, (_, i) => i);
      return fan(of.byTask ? node("echo", list) : list, (each) =>
        made(of.item, shared, Number(each)),
      );
    }
    default:
      return assertNever(of);
  }
}

const vertexOf = (of: unknown): Vertex | undefined =>
  of instanceof TaskNode || of instanceof EachNode ? (of.planned as Vertex | undefined) : undefined;

const finalOf = ({ state, optional }: Vertex): Outcome =>
  state.status === "done"
    ? { ok: true, value: JSON.parse(state.result ?? "null") }
    : state.status !== "open" && optional
      ? { ok: true, value: null }
      : { ok: false };

test("property: whatever the order, each piece of work comes to what the model says", () => {
  fc.assert(
    fc.property(
      fc.array(expression, { maxLength: 3 }),
      fc.array(expression, { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.nat(1_000_000)),
      (sharedExpressions, roots, draws) => {
        const draw = (below: number): number => (draws.next().value ?? 0) % below;
        // Shared ones first, in order: each may pass on those before it.
        const sharedNodes: unknown[] = [];
        const sharedOutcomes: Outcome[] = [];
        for (const of of sharedExpressions) {
          const scope = { shared: [...sharedOutcomes], item: -1 };
          sharedNodes.push(made(of, [...sharedNodes], -1));
          sharedOutcomes.push(model(of, scope));
        }
        const hand = new Hand();
        const wanted = roots.map((of) => {
          const root = node("echo", [made(of, sharedNodes, -1)]);
          const inner = model(of, { shared: sharedOutcomes, item: -1 });
          return { root, outcome: inner.ok ? { ok: true, value: [inner.value] } : inner };
        });
        hand.graph.addAll(
          [
            ...wanted.map(({ root }) => root),
            // Reads them all, or their results would not be kept.
            node(
              "reader",
              wanted.map(({ root }) => root),
            ),
          ],
          () => draw(2) === 0,
        );
        const handedOut = new Set<TaskVertex>();
        /** With what each task makes of its input. */
        const running: { readonly vertex: TaskVertex; readonly input: unknown }[] = [];
        const isBusy = (): boolean =>
          hand.ready.length > 0 || running.length > 0 || hand.graph.canUnfold;
        const handOut = (): void => {
          const [vertex] = hand.ready.splice(draw(hand.ready.length), 1);
          if (vertex === undefined) return;
          expect(handedOut.has(vertex)).toBe(false);
          handedOut.add(vertex);
          running.push({ vertex, input: hand.input(vertex) });
        };
        const end = (): void => {
          const [ended] = running.splice(draw(running.length), 1);
          if (ended === undefined) return;
          const { vertex, input } = ended;
          // As the writer does: a result that nobody needs does not come back.
          const result = vertex.wantsResult ? JSON.stringify(input) : undefined;
          hand.graph.finish(
            vertex,
            vertex.definition.name === "fails" ? failed : { status: "done", result },
          );
        };
        const moves = [handOut, end, () => hand.graph.unfold()];
        while (isBusy()) moves[draw(moves.length)]?.();
        expect(hand.graph.isFinished).toBe(true);
        expect(hand.graph.live).toBe(0);
        expect(hand.graph.isCountable).toBe(true);
        expect(hand.graph.tasks).toBe(handedOut.size + hand.skipped.length);
        for (const { why } of hand.skipped) expect(why).toMatch(/because task "fails" did not/);
        for (const { root, outcome } of wanted) {
          const vertex = vertexOf(root);
          expect(vertex === undefined ? undefined : finalOf(vertex)).toEqual(outcome);
        }
      },
    ),
    { numRuns: 500 },
  );
});
