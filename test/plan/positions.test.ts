import { expect, test } from "bun:test";
import * as fc from "fast-check";

import type { AnyNode } from "../../src/api/node.ts";
import { Positions } from "../../src/plan/positions.ts";
import { Planner } from "../../src/plan/planner.ts";
import { done, Hand } from "../support/graph-hand.ts";
import { definition, fan, node } from "../support/nodes.ts";
import { TaskNode } from "../../src/api/node.ts";

const ticket = definition("ticket");
const other = definition("other");
const call = (of = ticket): TaskNode => new TaskNode(of, null, undefined);

test("calls outside of fan-outs are numbered, each definition for itself", () => {
  const positions = new Positions();
  const called = [call(), call(), call(other), fan([], () => call()), call(), call(other)];
  expect(called.map((each) => positions.next(each))).toEqual([1, 2, 1, 1, 3, 2]);
});

test("those of an item follow those of the item before, and begin elsewhere for each call and each fan-out", () => {
  const positions = new Positions();
  const ofItem = (fanOut: number, index: number): number[] => {
    positions.enter(fanOut, index);
    const found = [call(), call(other), call()].map((each) => positions.next(each));
    positions.leave();
    return found;
  };
  const first = ofItem(1, 0);
  expect(first[0]).toBe(first[1] as number);
  expect(first[2]).not.toBe(first[0] as number);
  expect(ofItem(1, 5)).toEqual(first.map((position) => position + 5));
  expect(ofItem(2, 0)[0]).not.toBe(first[0] as number);
  expect(positions.next(call())).toBe(1);
});

test("of which lists the items are known", () => {
  const positions = new Positions();
  const ofItem = (fanOut: number, index: number): number => {
    positions.enter(fanOut, index);
    const found = positions.next(call());
    positions.leave();
    return found;
  };
  const elsewhere = new Positions();
  elsewhere.enter(3, 0);
  const unknown = elsewhere.next(call());
  expect(positions.isOfKnownList(unknown)).toBe(false);
  const known = [ofItem(1, 0), ofItem(2, 0), ofItem(2 ** 40, 0)];
  for (const first of known) {
    expect(positions.isOfKnownList(first)).toBe(true);
    expect(positions.isOfKnownList(first + 1_000_000)).toBe(true);
    expect(positions.isOfKnownList(first - 1)).toBe(false);
  }
  expect(positions.isOfKnownList(unknown)).toBe(false);
  expect(ofItem(3, 0)).toBe(unknown);
  expect(positions.isOfKnownList(unknown)).toBe(true);
});

test("a position fits into 6 bytes, and 100,000 fan-outs have one of their own for each of ten items", () => {
  const positions = new Positions();
  const seen = new Set<number>();
  for (let fanOut = 2 ** 40; fanOut < 2 ** 40 + 100_000; fanOut++) {
    positions.enter(fanOut, 0);
    const position = positions.next(call());
    positions.leave();
    for (let index = 0; index < 10; index++) seen.add(position + index);
  }
  expect(seen.size).toBe(1_000_000);
  const all = [...seen];
  expect(
    all.every((position) => Number.isSafeInteger(position) && position > 0 && position < 2 ** 47),
  ).toBe(true);
});

/** What is planned, and where: the lists come in the given order. */
function planned(order: readonly number[]): Map<string, number> {
  const hand = new Hand();
  const shared = [call(), call()];
  for (const each of shared) hand.graph.created(each);
  const created = (each: AnyNode): AnyNode => {
    hand.graph.created(each);
    return each;
  };
  const lists = [0, 1, 2].map((n) => node(`list ${n}`));
  const outer = lists.map((list, n) =>
    created(
      fan(list, (item) =>
        created(
          fan([1, 2], (inner) => {
            const own = created(call());
            return created(
              node(`read ${n} ${String(item)} ${String(inner)}`, [own, shared[n % 2]]),
            );
          }),
        ),
      ),
    ),
  );
  hand.addAll(...outer);
  for (const n of order) {
    hand.finish(`list ${n}`, done(["x", "y"]));
    hand.unfoldAll();
  }
  const found = new Map<string, number>();
  for (const vertex of hand.graph.liveTasks()) {
    for (const reader of vertex.dependents) {
      if (vertex.name === "ticket" && reader.kind === "task") {
        found.set(
          `${reader.name} ${vertex.dependents.length > 1 ? "shared" : "own"}`,
          vertex.position,
        );
      }
    }
  }
  return found;
}

test("property: they do not depend on which list comes first, also of nodes that items pass on", () => {
  const inOrder = planned([0, 1, 2]);
  expect(inOrder.size).toBe(24);
  // Twelve of its own for each item, and two that are passed on.
  expect(new Set(inOrder.values()).size).toBe(14);
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), (order) => {
      const found = planned(order);
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(inOrder));
    }),
  );
});

test("a node that was created before the run has a position once it is planned", () => {
  const planner = new Planner({
    pools: new Map(),
    shown: (name) => name,
    added: () => undefined,
    readLate: () => undefined,
  });
  expect([call(), call()].map((each) => planner.plan(each))).toMatchObject([
    { position: 1 },
    { position: 2 },
  ]);
});
