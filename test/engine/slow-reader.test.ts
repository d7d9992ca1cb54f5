// Somebody reads the events more slowly than they are made: the writer is held, and a run that is stopped ends all the same.

import { expect, test } from "bun:test";

import type { Node } from "../../src/api/node.ts";
import { task } from "../../src/api/task.ts";
import type { SimulatedProcess } from "../simulator/process.ts";
import { simulated } from "../support/simulated.ts";

const links = 300;
/** Far longer than the whole chain takes. */
const longMs = 60_000;

/** Each link is committed by itself. */
function chain(): Node<number> {
  const link = task({ name: "link", run: ({ n }: { n: number }) => n + 1 });
  let last: Node<number> = link({ n: 0 });
  for (let i = 1; i < links; i++) last = link({ n: last });
  return last;
}

type Held = {
  readonly process: SimulatedProcess;
  readonly finished: () => number;
  readonly release: () => void;
};

/** A run whose reader is behind from the first commit on. */
function heldRun(): Held {
  const caughtUp = Promise.withResolvers<void>();
  let isBehind = true;
  const process = simulated(chain, {
    workers: 1,
    concurrency: 1,
    behind: () => (isBehind ? caughtUp.promise : undefined),
  });
  return {
    process,
    finished: () => process.events.filter(({ type }) => type === "task-finished").length,
    release() {
      isBehind = false;
      caughtUp.resolve();
    },
  };
}

/** Lets it run until it is held, and does something then. */
function runHeld({ process, finished }: Held, then: () => void): number {
  let meanwhile = 0;
  const { world } = process;
  world.schedule(world.main, "", longMs, () => {
    meanwhile = finished();
    then();
  });
  process.run();
  return meanwhile;
}

test("the writer commits no further than a bound, and goes on when the reader has caught up", () => {
  const held = heldRun();
  const meanwhile = runHeld(held, held.release);
  expect(meanwhile).toBeGreaterThan(0);
  expect(meanwhile).toBeLessThan(100);
  expect(held.process.summary).toMatchObject({ status: "done", done: links });
});

test("a run that is stopped waits for no reader", () => {
  const held = heldRun();
  runHeld(held, () => held.process.stop(false));
  expect(held.process.summary).toMatchObject({ status: "cancelled" });
  expect(held.finished()).toBeLessThan(100);
});
