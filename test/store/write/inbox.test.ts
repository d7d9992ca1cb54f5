import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { Inbox } from "../../../src/store/write/inbox.ts";

const [a, b, c] = [0, 1, 2] as const;

function inboxOf(messages: Readonly<Record<number, readonly string[]>>): Inbox<number> {
  const inbox = new Inbox<number>();
  for (const each of [a, b, c]) {
    inbox.open(each);
    for (const text of messages[each] ?? []) inbox.push(each, text);
  }
  return inbox;
}

describe("the next message", () => {
  test("everyone in turn, each in order", () => {
    const inbox = inboxOf({ [a]: ["a1", "a2", "a3"], [b]: ["b1"], [c]: ["c1", "c2"] });
    const order: string[] = [];
    for (let next = inbox.shift(undefined); next !== undefined; next = inbox.shift(undefined)) {
      order.push(next.text);
    }
    expect(order.slice(0, 3).toSorted()).toEqual(["a1", "b1", "c1"]);
    expect(order.slice(3, 5).toSorted()).toEqual(["a2", "c2"]);
    expect(order[5]).toBe("a3");
    expect(inbox.isEmpty).toBe(true);
  });

  test("of one alone, while its unit is under way", () => {
    const inbox = inboxOf({ [a]: ["a1"], [b]: ["b1", "b2"] });
    expect(inbox.shift(b)).toEqual({ from: b, text: "b1" });
    expect(inbox.shift(b)).toEqual({ from: b, text: "b2" });
    expect(inbox.shift(b)).toBeUndefined();
    expect(inbox.has(a)).toBe(true);
    expect(inbox.isEmpty).toBe(false);
  });
});

test("what is left of one that is closed is dropped, and nothing more is taken for it", () => {
  const inbox = inboxOf({ [a]: ["a1", "a2"], [b]: ["b1"] });
  inbox.close(a);
  inbox.push(a, "a3");
  expect(inbox.shift(undefined)).toEqual({ from: b, text: "b1" });
  expect(inbox.isEmpty).toBe(true);
  expect(inbox.shift(undefined)).toBeUndefined();
});

test("property: nothing is lost, nothing comes twice, each one's in order", () => {
  const step = fc.oneof(
    fc.record({ push: fc.nat(2) }),
    fc.record({ only: fc.option(fc.nat(2), { nil: undefined }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const inbox = inboxOf({});
      const queues: string[][] = [[], [], []];
      let messages = 0;
      for (const at of steps) {
        if ("push" in at) {
          const text = `message ${messages++}`;
          queues[at.push]?.push(text);
          inbox.push(at.push, text);
        } else {
          const next = inbox.shift(at.only);
          if (next === undefined) {
            const waiting = at.only === undefined ? queues.flat() : queues[at.only];
            expect(waiting).toEqual([]);
          } else {
            expect(at.only === undefined || at.only === next.from).toBe(true);
            expect(queues[next.from]?.shift()).toBe(next.text);
          }
        }
        expect(inbox.isEmpty).toBe(queues.flat().length === 0);
      }
    }),
  );
});
