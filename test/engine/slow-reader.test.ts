// Somebody reads the events more slowly than they are made: the writer is held, and a run that is stopped ends all the same.

import { expect, test } from "bun:test";

import { pipeline } from "../../src/api/pipeline.ts";
import { Run } from "../../src/engine/run.ts";
import { FakeTaskWorker, fakeWriterThread, type Stage } from "../support/fake-threads.ts";
import { node } from "../support/nodes.ts";

const quick: Stage = {
  act: () => ({ turns: 0, end: "done", listens: true }),
  begins: () => undefined,
  ends: () => undefined,
};

const links = 300;

/** Each link is committed by itself. */
function chain(): ReturnType<typeof node> {
  let last = node("0");
  for (let i = 1; i < links; i++) last = node(String(i), { last });
  return last;
}

/** A run whose reader is behind from the first commit on. */
function heldRun(): { run: Run; finished: () => number; release: () => void } {
  const caughtUp = Promise.withResolvers<void>();
  let isBehind = true;
  let finished = 0;
  const run = new Run({
    pipeline: pipeline({ name: "held", tasks: chain() }),
    module: { kind: "file", path: "/nowhere.ts", export: "default" },
    writer: { db: ":memory:", wal: false, durability: "normal", storeTaskStatus: true },
    params: {},
    resume: "auto",
    workers: 1,
    concurrency: 1,
    failFast: false,
    cores: 2,
    spawnTaskWorker: () => new FakeTaskWorker(quick),
    spawnWriter: fakeWriterThread,
    onEvents: (events) => {
      finished += events.filter(({ type }) => type === "task-finished").length;
    },
    behind: () => (isBehind ? caughtUp.promise : undefined),
    onOutput: (_, line) => {
      throw new Error(line);
    },
  });
  const release = (): void => {
    isBehind = false;
    caughtUp.resolve();
  };
  return { run, finished: () => finished, release };
}

/** Far more turns of the event loop than the whole chain takes. */
async function whileNothingHappens(): Promise<void> {
  for (let turn = 0; turn < 100 * links; turn++) await new Promise((next) => setImmediate(next));
}

test("the writer commits no further than a bound, and goes on when the reader has caught up", async () => {
  const { run, finished, release } = heldRun();
  const end = run.start();
  await whileNothingHappens();
  expect(finished()).toBeGreaterThan(0);
  expect(finished()).toBeLessThan(100);
  release();
  expect(await end).toMatchObject({ status: "done", done: links });
});

test("a run that is stopped waits for no reader", async () => {
  const { run, finished } = heldRun();
  const end = run.start();
  await whileNothingHappens();
  run.stop(false);
  expect(await end).toMatchObject({ status: "cancelled" });
  expect(finished()).toBeLessThan(100);
});
