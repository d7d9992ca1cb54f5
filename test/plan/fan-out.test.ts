import { describe, expect, test } from "bun:test";

import type { AnyNode } from "../../src/api/node.ts";
import { doneUnread, resultText, type TaskVertex } from "../../src/plan/vertex.ts";
import { done, failed, Hand } from "../support/graph-hand.ts";
import { fan, node } from "../support/nodes.ts";

const loadAndSave = (item: unknown): AnyNode => node("save", node("load", item));

describe("fan-out", () => {
  test("over a list; its results come in the items' order", () => {
    const hand = new Hand();
    hand.graph.add(node("sum", [fan(["x", "y"], (item) => node(String(item)))]));
    hand.unfoldAll();
    hand.finish("y", done("Y"));
    hand.finish("x", done("X"));
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([[["X", "Y"]]]);
  });

  test("over what a task yields; how many there will be is not known before", () => {
    const hand = new Hand();
    hand.graph.add(fan(node("list"), (item, index) => node(`${String(item)}${index}`)));
    expect(hand.graph.isCountable).toBe(false);
    hand.finish("list", done(["a", "b", "c"]));
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

  test("items of a list are at the first stage, items of what a task yields at the one after it", () => {
    const hand = new Hand();
    hand.graph.add(node("end", fan(["x"], loadAndSave)));
    hand.graph.add(node("end", fan(node("list"), loadAndSave)));
    hand.finish("list", done(["y"]));
    hand.unfoldAll();
    const stages = hand.graph.liveTasks().map(({ name, stage }) => `${name} ${stage}`);
    expect(stages.toSorted()).toEqual(["end 1", "end 2", "load 0", "load 1", "save 1", "save 2"]);
  });

  test("the stages of a long line of tasks are told apart up to a bound", () => {
    const hand = new Hand();
    let last = node("0");
    for (let i = 1; i < 2000; i++) last = node(String(i), last);
    hand.graph.add(last);
    const stages = hand.graph.liveTasks().map(({ stage }) => stage);
    expect(stages).toEqual(Array.from({ length: 2000 }, (_, i) => Math.min(i, 1023)));
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
    hand.finish("a", done(1));
    hand.finish("b", done(2));
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
    hand.finish("list", done({ rows: [] }));
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
    hand.finish("b", failed);
    expect(hand.names).toEqual(["a", "c"]);
    expect(hand.skipped).toEqual([]);
    hand.finish("a", done(1));
    hand.finish("c", done(1));
    expect(hand.skipped).toEqual([{ name: "end", why: 'skipped because task "b" did not finish' }]);
  });

  test("five levels deep", () => {
    const hand = new Hand();
    const level = (depth: number): unknown =>
      depth === 0 ? node("leaf") : fan([0, 1], () => level(depth - 1));
    hand.graph.add(node("end", level(5)));
    hand.unfoldAll();
    expect(hand.ready).toHaveLength(32);
    for (let i = 0; i < 32; i++) hand.finish("leaf", done(i));
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
    hand.finish("list", done([1, 2]));
    hand.unfoldAll();
    hand.finish("config", done({ base: 10 }));
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
    expect(hand.dispatch("config").wantsResult).toBe("perhaps");
    hand.finish("config", done({ base: 10 }));
    hand.finish("list", done([1]));
    hand.unfoldAll();
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([
      { x: 1, config: { base: 10 } },
    ]);
  });

  test("one that is done by then, and whose result is in the file only", () => {
    const hand = new Hand();
    const config = node("config");
    hand.graph.add(config);
    hand.graph.add(fan(node("list"), (x) => node("work", { x, config })));
    hand.finish("config", doneUnread);
    hand.finish("list", done([1, 2]));
    hand.unfoldAll();
    const [late] = hand.readLate;
    expect([hand.readLate.length, hand.names, hand.graph.live]).toEqual([1, [], 3]);
    hand.graph.finish(late as TaskVertex, done("long"));
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([
      { x: 1, config: "long" },
      { x: 2, config: "long" },
    ]);
    expect(hand.graph.live).toBe(2);
  });

  test("the item before", () => {
    const hand = new Hand();
    let before: unknown = null;
    hand.graph.add(fan(["a", "b"], (name) => (before = node(String(name), { before }))));
    hand.graph.unfold();
    hand.finish("a", done("A"));
    hand.unfoldAll();
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([{ before: "A" }]);
    expect(hand.dispatch("b").wantsResult).toBe("no");
  });

  test("a fan-out that is over by then, through a fan-out that is late", () => {
    const hand = new Hand();
    const early = fan(["a", "b"], (name) => node(String(name)));
    hand.addAll(
      early,
      fan(node("list"), (x) => node("work", { x, early })),
    );
    hand.finish("a", done("A"));
    hand.finish("b", done("B"));
    hand.finish("list", done([1]));
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
    hand.finish("a", done(1));
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([{ some: [1], none: [] }]);
  });

  test("after a node of a stream that is done by then", () => {
    const hand = new Hand();
    hand.graph.expectsMore = true;
    const first = node("first");
    hand.graph.add(first);
    hand.finish("first", done(1));
    hand.graph.add(node("second", { first }));
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([{ first: 1 }]);
  });

  test("what nobody can pass on any more is not kept", () => {
    const hand = new Hand();
    const a = node("a");
    hand.addAll(a, node("b", undefined, { after: [a] }));
    const vertex = hand.dispatch("a");
    expect(vertex.wantsResult).toBe("no");
    hand.finish("a", done("large"));
    expect(vertex.state).toEqual({ status: "done", result: undefined });
    expect(() => resultText(vertex)).toThrow('Internal error: the result of task "a" is read');
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
    hand.finish("list", done(value));
    expect(hand.fanOutFailures).toEqual([
      `each: the source must yield a list, not ${found}; task "list" yielded it`,
    ]);
    expect(hand.graph.isFinished).toBe(true);
  });

  test("as an item of another fan-out: the others go on", () => {
    const hand = new Hand();
    hand.addAll(node("sum", fan([[1], { a: 1 }], fanOver)));
    expect(hand.fanOutFailures).toHaveLength(1);
    hand.finish("item 1", done(1));
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
    hand.finish("list", failed);
    expect(hand.fanOutFailures).toEqual([]);
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([null]);
  });

  test("an optional one that failed is read as null by a node that a stream yields later", () => {
    const hand = new Hand();
    hand.graph.expectsMore = true;
    const over = fan(node("list", undefined, { optional: true }), () => node("never"));
    hand.addAll(over);
    hand.finish("list", failed);
    hand.addAll(node("late", over));
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([null]);
  });

  test("an optional one that yields null has no excuse", () => {
    const hand = new Hand();
    hand.addAll(fan(node("list", undefined, { optional: true }), () => node("never")));
    hand.finish("list", done(null));
    expect(hand.fanOutFailures).toHaveLength(1);
  });
});
