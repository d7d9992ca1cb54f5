// Mistakes of the pipeline's author: nodes that nothing reaches, circles, values that are not JSON.

import { describe, expect, test } from "bun:test";

import type { AnyNode } from "../../src/api/node.ts";
import type { VertexOutcome } from "../../src/plan/vertex.ts";
import { done, failed, Hand, planError } from "../support/graph-hand.ts";
import { fan, node } from "../support/nodes.ts";

describe("what the author got wrong", () => {
  test("a node that nothing reaches is named, and others are counted", () => {
    const hand = new Hand();
    const reached = node("reached");
    hand.graph.created(reached);
    hand.graph.created(node("lost", undefined, { name: "lost one" }));
    hand.graph.created(node("lost too"));
    hand.graph.add(reached);
    expect(planError(() => hand.graph.assertAllReached())).toMatch(
      /^task "lost one" .*\(and 1 more\)/,
    );
  });

  test("of many nodes, the one that nothing reaches is still found", () => {
    const hand = new Hand();
    hand.graph.created(node("lost"));
    for (let i = 0; i < 20_000; i++) {
      const one = node("one");
      hand.graph.created(one);
      hand.graph.add(one);
    }
    expect(planError(() => hand.graph.assertAllReached())).toContain('task "lost" was called');
  });

  test("a node that items may yet reach is not lost before they are unfolded", () => {
    const hand = new Hand();
    const config = node("config");
    hand.graph.created(config);
    hand.graph.add(fan(node("list"), () => node("work")));
    expect(hand.graph.isUnfolded).toBe(false);
    hand.finish("list", done([1]));
    hand.unfoldAll();
    expect(hand.graph.isUnfolded).toBe(true);
    expect(planError(() => hand.graph.assertAllReached())).toContain('task "config" was called');
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
      hand.finish("list", list);
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
    expect(planError(() => new Hand().graph.add(a))).toMatch(/^task "[ab]" depends on itself/);
  });

  test("a cycle through `after` is named", () => {
    const after: AnyNode[] = [];
    const a = node("a", undefined, { after });
    after.push(node("b", undefined, { after: [a] }));
    expect(planError(() => new Hand().graph.add(a))).toMatch(/^task "[ab]" depends on itself/);
  });

  test.each<[what: string, value: unknown, text: string]>([
    ["a task that was not called", Object.assign(() => 0, { taskName: "load" }), 'the task "load"'],
    ["a list", [[]], "a list"],
    ["an object", { a: 1 }, "an object with a"],
    ["undefined", undefined, "undefined"],
  ])("%s is no node", (_, value, text) => {
    expect(planError(() => new Hand().graph.add(value))).toContain(text);
  });

  test("an input that is not JSON: the task and the place", () => {
    const wrong = node("load", { since: new Date(0) }, { name: "load it" });
    expect(planError(() => new Hand().graph.add(wrong))).toBe(
      'task "load it": input.since is a Date; inputs must be JSON (use .toISOString())',
    );
  });

  test("an item that is not JSON: which", () => {
    const hand = new Hand();
    hand.graph.add(fan([1, 2], (item) => (item === 2 ? { at: [1n] } : null)));
    expect(planError(() => hand.unfoldAll())).toBe(
      "each: item 1: item.at[0] is a BigInt; inputs must be JSON",
    );
  });

  test("a pool that the pipeline does not have", () => {
    const of = node("load", undefined, { pool: "api" });
    expect(planError(() => new Hand().graph.add(of))).toContain('task "load" names the pool "api"');
  });
});
