// What waits for what, in which order tasks are announced, and what is skipped.

import { describe, expect, test } from "bun:test";

import type { AnyNode } from "../../src/api/node.ts";
import { resultText } from "../../src/plan/vertex.ts";
import { done, failed, Hand } from "../support/graph-hand.ts";
import { fan, node } from "../support/nodes.ts";

describe("one after the other", () => {
  test("a task is ready when all it depends on is done, and reads the results", () => {
    const hand = new Hand();
    const a = node("a");
    const b = node("b");
    hand.graph.add(node("c", { x: a, more: [b] }, { after: [node("d")] }));
    expect(hand.names.toSorted()).toEqual(["a", "b", "d"]);
    hand.finish("a", done(1));
    hand.finish("b", done([2]));
    expect(hand.names).toEqual(["d"]);
    hand.finish("d", done("unread"));
    expect(hand.names).toEqual(["c"]);
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([{ x: 1, more: [[2]] }]);
    hand.finish("c", done(null));
    expect(hand.graph.isFinished).toBe(true);
  });

  test("a node is planned once, however often it is passed on", () => {
    const hand = new Hand();
    const a = node("a");
    hand.graph.add(node("b", [a, a, { a }], { after: [a] }));
    hand.graph.add(a);
    expect(hand.graph.tasks).toBe(2);
    hand.finish("a", done(1));
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([[1, 1, { a: 1 }]]);
  });

  test("who failed is named, down to the last that is skipped", () => {
    const hand = new Hand();
    const a = node("a");
    const b = node("b", a);
    hand.graph.add(node("c", [b], { after: [node("d")] }));
    hand.finish("a", failed);
    expect(hand.skipped).toEqual([{ name: "b", why: 'skipped because task "a" did not finish' }]);
    hand.finish("d", done(null));
    expect(hand.skipped[1]).toEqual({ name: "c", why: 'skipped because task "a" did not finish' });
    expect(hand.graph.isFinished).toBe(true);
  });

  test("an optional one that failed, or was skipped, is read as null", () => {
    const hand = new Hand();
    const a = node("a");
    const b = node("b", a, { optional: true });
    hand.graph.add(node("c", [b]));
    hand.finish("a", failed);
    expect(hand.skipped.map(({ name }) => name)).toEqual(["b"]);
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([[null]]);
  });

  test("an optional one that is certain to be skipped holds nobody up, and is read as null", () => {
    const hand = new Hand();
    const a = node("a");
    const b = node("b", [a, node("c")], { optional: true });
    hand.graph.add(b);
    hand.finish("a", failed);
    hand.graph.add(node("d", b));
    expect(hand.names).toEqual(["c", "d"]);
    expect(hand.ready.map((vertex) => hand.input(vertex))).toEqual([null, null]);
    hand.finish("c", done(1));
    expect(hand.skipped).toEqual([{ name: "b", why: 'skipped because task "a" did not finish' }]);
  });

  test("tasks ask for 100 sets of tags at most", () => {
    const hand = new Hand();
    const add = (i: number): void => hand.graph.add(node(`n${i}`, undefined, { on: `tag${i}` }));
    for (let i = 0; i < 100; i++) add(i);
    add(5);
    expect(() => add(100)).toThrow(
      'task "n100" is the first with on: "tag100", and the tasks of a run may ask for 100 different',
    );
  });

  test("the result of a task that has not ended cannot be read", () => {
    const hand = new Hand();
    hand.graph.add(node("a"));
    expect(() => hand.ready.map(resultText)).toThrow(
      'Internal error: the result of task "a" is read, and it is open',
    );
  });

  test("what is planned after the failure is skipped too", () => {
    const hand = new Hand();
    const a = node("a");
    hand.graph.add(a);
    hand.finish("a", failed);
    hand.graph.add(node("b", a));
    expect(hand.skipped.map(({ name }) => name)).toEqual(["b"]);
    expect(hand.graph.isFinished).toBe(true);
  });
});

/** A fan-out over the list that the task of this name yields. */
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
    hand.finish("b", done([1, 2]));
    hand.finish("a", done([1, 2]));
    hand.unfoldAll();
    expect(hand.names).toEqual(["a1", "a2", "b1", "b2"]);
  });

  test("of what is skipped", () => {
    const hand = new Hand();
    const a = node("a");
    hand.addAll(node("b", a), node("c", a), node("d", a));
    hand.finish("a", failed);
    expect(hand.skipped.map(({ name }) => name)).toEqual(["b", "c", "d"]);
  });
});

describe("long", () => {
  const links = 10_000;

  test("a chain of tasks", () => {
    const hand = new Hand();
    let last = node("link");
    for (let i = 1; i < links; i++) last = node("link", last);
    hand.graph.add(last);
    for (let i = 0; i < links; i++) hand.finish("link", done(i));
    expect(hand.graph.isFinished).toBe(true);
  });

  test("a chain of tasks of which the first fails", () => {
    const hand = new Hand();
    let last = node("first");
    for (let i = 1; i < links; i++) last = node("link", last);
    hand.graph.add(last);
    hand.finish("first", failed);
    expect(hand.skipped).toHaveLength(links - 1);
    expect(hand.graph.isFinished).toBe(true);
  });

  test("a chain of fan-outs", () => {
    const hand = new Hand();
    let last: AnyNode = node("list");
    for (let i = 1; i < links; i++) last = fan(last, (item) => item);
    hand.graph.add(node("end", last));
    hand.finish("list", done([]));
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
  first.finish("a", failed);
  expect(first.graph.isFinished).toBe(true);
  const second = new Hand();
  second.graph.add(b);
  expect(second.names).toEqual(["a"]);
  second.finish("a", done(1));
  second.finish("b", done(2));
  expect(second.graph.isFinished).toBe(true);
});

/** Ends 100 streamed tasks, each with a result of 100,000 characters. */
function endLongTasks(hand: Hand): WeakRef<object>[] {
  hand.graph.expectsMore = true;
  return Array.from({ length: 100 }, (_, i) => {
    const each = node(`t${i}`);
    hand.graph.add(each);
    hand.graph.created(each);
    const vertex = hand.dispatch(`t${i}`);
    hand.finish(`t${i}`, done("x".repeat(100_000)));
    return new WeakRef(vertex);
  });
}

test("long results of ended tasks are not held, however few tasks there are", async () => {
  const hand = new Hand();
  const vertices = endLongTasks(hand);
  // A WeakRef holds what it refers to until the job ends.
  await new Promise((next) => setImmediate(next));
  Bun.gc(true);
  const held = vertices.filter((vertex) => vertex.deref() !== undefined).length;
  expect(held).toBeLessThan(60);
  expect(hand.graph.isFinished).toBe(true);
});
