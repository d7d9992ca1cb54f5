// How large leases are, and who has them.

import { describe, expect, test } from "bun:test";

import { LeaseBook } from "../../../src/executors/redis/lease-book.ts";
import { hasServed, leaseSize, leasesPerSlot } from "../../../src/executors/redis/lease-size.ts";
import { HeldLeases } from "../../../src/executors/redis/machine/held-leases.ts";
import { taskId } from "../../../src/protocol/ids.ts";
import type { Assignment } from "../../../src/protocol/messages.ts";
import { assignment } from "../../support/assignment.ts";

const tasks = (...ids: number[]): Assignment[] => ids.map(assignment);

const size = (averageMs: number | undefined, ready = 10_000, slots = 4): number =>
  leaseSize({ averageMs, ready, slots });

const served = (heldMs: number, count: number, averageMs?: number, isShared = false): boolean =>
  hasServed({ heldMs, served: count, averageMs, isShared });

describe("the size of a lease", () => {
  test("is one until it is known how long tasks take, and for long tasks", () => {
    expect([size(undefined), size(51), size(60_000)]).toEqual([1, 1, 1]);
    expect([undefined, 201, 200, 1].map(leasesPerSlot)).toEqual([1, 1, 2, 2]);
  });

  test("the shorter the tasks, the more leases are held ahead", () => {
    expect([0.4, 0.1, 0.05, 0.01, 0].map(leasesPerSlot)).toEqual([2, 4, 6, 6, 6]);
  });

  test("is worth 50 ms, at most 128 tasks", () => {
    expect([size(25), size(5), size(1), size(0.01), size(0)]).toEqual([2, 10, 50, 128, 128]);
  });

  test("it gets further tasks for 1 s, or for 1 s of work of short tasks", () => {
    expect([served(999, 1), served(1_000, 1), served(999, 99, 500)]).toEqual([false, true, false]);
    expect([served(1_000, 2, 500), served(9_999, 99_999, 0.01)]).toEqual([true, false]);
    expect([served(9_999, 100_000, 0.01), served(10_000, 1, 0.01)]).toEqual([true, true]);
    expect([served(999, 1, 0.01, true), served(1_000, 1, 0.01, true)]).toEqual([false, true]);
  });

  test("leaves something for every slot", () => {
    expect([size(0.01, 40), size(0.01, 3), size(0.01, 0)]).toEqual([10, 1, 1]);
  });
});

type Holder = { readonly name: string };
const [a, b]: readonly [Holder, Holder] = [{ name: "a" }, { name: "b" }];

describe("the book of leases", () => {
  test("a lease is granted once", () => {
    const book = new LeaseBook<Holder>();
    const { id } = book.add(tasks(1, 2), "");
    expect([book.claim(id, a, 1), book.claim(id, b, 2), book.claim(id + 1, b, 3)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(book.waiting).toEqual([]);
    expect(book.heldBy(a).map((lease) => lease.id)).toEqual([id]);
  });

  test("a lease that ends gives back what no thread has held", () => {
    const book = new LeaseBook<Holder>();
    const lease = book.add(tasks(1, 2, 3), "");
    expect(book.tally("")).toEqual({ leases: 1, empty: 0, tasks: 3 });
    book.claim(lease.id, a, 1);
    expect([book.tally("").leases, book.tally(a).tasks]).toEqual([0, 3]);
    book.hold([taskId(2)]);
    expect(book.end(lease)).toEqual([taskId(1), taskId(3)]);
    expect(book.end(lease)).toEqual([]);
    expect([book.isIdle, book.tally(a).leases]).toEqual([true, 0]);
    expect(book.claim(lease.id, b, 2)).toBe(false);
  });

  test("a lease whose tasks have ended keeps its holder, and gets others", () => {
    const book = new LeaseBook<Holder>();
    const lease = book.add(tasks(1, 2), "");
    book.claim(lease.id, a, 1);
    book.hold([taskId(1)]);
    expect(book.exhaust(lease, 7)).toEqual([taskId(2)]);
    expect(book.exhaust(lease, 8)).toEqual([]);
    expect([...book.empty].map(({ id, emptySince }) => [id, emptySince])).toEqual([[lease.id, 7]]);
    expect([book.isIdle, book.tally(a)]).toEqual([true, { leases: 1, empty: 1, tasks: 0 }]);
    book.refill(lease, tasks(3, 4), 9);
    expect(() => book.refill(lease, tasks(5), 9)).toThrow("lease 1 has tasks");
    expect([book.isIdle, book.tally(a)]).toEqual([false, { leases: 1, empty: 0, tasks: 2 }]);
    book.hold([taskId(4)]);
    expect(book.end(lease)).toEqual([taskId(3)]);
    expect([...book.empty]).toEqual([]);
    expect(book.tally(a)).toEqual({ leases: 0, empty: 0, tasks: 0 });
  });
});

test("tasks that a holder gives back are not counted as its", () => {
  const book = new LeaseBook<Holder>();
  const lease = book.add(tasks(1, 2, 3), "");
  book.claim(lease.id, a, 1);
  book.drop(b, [taskId(1)]);
  book.hold([taskId(1), taskId(3)]);
  book.drop(a, [taskId(1), taskId(3)]);
  expect([book.tally(a).tasks, book.tasks]).toEqual([1, 1]);
  // Its end follows, and finds tasks.
  book.drop(a, [taskId(2)]);
  expect(book.exhaust(lease, 7)).toEqual([taskId(2)]);
  expect([book.tally(a), book.tasks]).toEqual([{ leases: 1, empty: 1, tasks: 0 }, 0]);
});

test("leases wait in the queue of what their tasks ask for", () => {
  const book = new LeaseBook<Holder>();
  book.add(tasks(1), "");
  const lease = book.add(tasks(2, 3), "gpu");
  expect(["", "gpu", "big"].map((on) => book.tally(on).tasks)).toEqual([1, 2, 0]);
  book.claim(lease.id, a, 1);
  expect([book.tally("gpu").leases, book.tally(a).tasks, book.tasks]).toEqual([0, 2, 3]);
  book.end(lease);
  expect(book.tasks).toBe(1);
});

describe("what a machine holds", () => {
  test("a lease has ended with its last task, however that ends", () => {
    const held = new HeldLeases();
    const ended: string[] = [];
    held.add(tasks(1, 2), () => ended.push("first"));
    held.add(tasks(3), () => ended.push("second"));
    expect(held.take(1)).toEqual(tasks(1));
    held.end([taskId(3), taskId(1), taskId(1)]);
    expect(ended).toEqual(["second"]);
    held.end(held.takeAll().map(({ id }) => id));
    expect(ended).toEqual(["second", "first"]);
    expect([held.isEmpty, held.waiting]).toEqual([true, 0]);
  });
});
