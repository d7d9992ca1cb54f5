// How a machine shares its places among the queues that it takes leases from.

import { expect, test } from "bun:test";

import type { LeaseJob } from "../../../src/executors/redis/engine-messages.ts";
import type { Taken } from "../../../src/executors/redis/lease-queue.ts";
import { LeaseTakers } from "../../../src/executors/redis/machine/lease-takers.ts";

const job: LeaseJob = { session: "s", lease: 1, tasks: "", signature: "" };

function machine(places: number, tags: readonly string[]) {
  const queues = new Map<string, { concurrency: number; run(job: LeaseJob): Promise<Taken> }>();
  const ends: (() => void)[] = [];
  const takers = new LeaseTakers(places, {
    tags,
    create: (on, concurrency, run) => {
      const queue = { concurrency, run, pause: () => undefined, close: () => undefined };
      queues.set(on, queue);
      return queue;
    },
    run: () => new Promise((end) => ends.push(() => end("ended"))),
  });
  const shares = (): number[] => Array.from(queues.values(), ({ concurrency }) => concurrency);
  return { takers, queues, ends, shares };
}

test("a machine takes from the queues whose tags it has", () => {
  const { takers, queues } = machine(2, ["gpu", "big"]);
  for (const on of ["", "gpu", "big,gpu", "gpu,huge", "gpu"]) takers.take(on);
  expect([...queues.keys()]).toEqual(["", "gpu", "big,gpu"]);
});

test("all queues together hold as many leases as there are places", async () => {
  const { takers, queues, ends, shares } = machine(2, ["gpu"]);
  takers.take("");
  takers.take("gpu");
  expect(shares()).toEqual([2, 2]);
  const first = queues.get("")?.run(job);
  expect(shares()).toEqual([2, 1]);
  const second = queues.get("gpu")?.run(job);
  expect(shares()).toEqual([1, 1]);
  // BullMQ had asked for it before.
  expect(await queues.get("gpu")?.run(job)).toBe("put back");
  for (const end of ends) end();
  expect(await Promise.all([first, second])).toEqual(["ended", "ended"]);
  takers.places = 6;
  expect(shares()).toEqual([6, 6]);
});
