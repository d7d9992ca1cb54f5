import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { workerId } from "../../../src/protocol/ids.ts";
import { Inbox } from "../../../src/store/write/inbox.ts";

const [a, b, c] = [workerId(0), workerId(1), workerId(2)];

function inboxOf(posts: Readonly<Record<number, readonly string[]>>): Inbox {
  const inbox = new Inbox();
  for (const each of [a, b, c]) {
    inbox.open(each);
    for (const post of posts[each] ?? []) inbox.push(each, post);
  }
  return inbox;
}

describe("the next post", () => {
  test("everyone in turn, each in order", () => {
    const inbox = inboxOf({ [a]: ["a1", "a2", "a3"], [b]: ["b1"], [c]: ["c1", "c2"] });
    const order: string[] = [];
    for (let next = inbox.shift(undefined); next !== undefined; next = inbox.shift(undefined)) {
      order.push(next.post);
    }
    expect(order.slice(0, 3).toSorted()).toEqual(["a1", "b1", "c1"]);
    expect(order.slice(3, 5).toSorted()).toEqual(["a2", "c2"]);
    expect(order[5]).toBe("a3");
    expect(inbox.isEmpty).toBe(true);
  });

  test("of one alone, while its unit is under way", () => {
    const inbox = inboxOf({ [a]: ["a1"], [b]: ["b1", "b2"] });
    expect(inbox.shift(b)).toEqual({ workerId: b, post: "b1" });
    expect(inbox.shift(b)).toEqual({ workerId: b, post: "b2" });
    expect(inbox.shift(b)).toBeUndefined();
    expect(inbox.has(a)).toBe(true);
    expect(inbox.isEmpty).toBe(false);
  });
});

test("what is left of one that is closed is dropped, and nothing more is taken for it", () => {
  const inbox = inboxOf({ [a]: ["a1", "a2"], [b]: ["b1"] });
  inbox.close(a);
  inbox.push(a, "a3");
  expect(inbox.shift(undefined)).toEqual({ workerId: b, post: "b1" });
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
      let posts = 0;
      for (const at of steps) {
        if ("push" in at) {
          const post = `post ${posts++}`;
          queues[at.push]?.push(post);
          inbox.push(workerId(at.push), post);
        } else {
          const next = inbox.shift(at.only === undefined ? undefined : workerId(at.only));
          if (next === undefined) {
            const waiting = at.only === undefined ? queues.flat() : queues[at.only];
            expect(waiting).toEqual([]);
          } else {
            expect(at.only === undefined || at.only === next.workerId).toBe(true);
            expect(queues[next.workerId]?.shift()).toBe(next.post);
          }
        }
        expect(inbox.isEmpty).toBe(queues.flat().length === 0);
      }
    }),
  );
});
