import { expect, test } from "bun:test";

import { earlyWorkers, WarmThreads } from "../../../src/executors/threads/warm-threads.ts";

class Thread {
  readonly name: string;
  isTerminated = false;
  #closed: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }
  addEventListener(_: "close", listener: () => void): void {
    this.#closed.push(listener);
  }
  terminate(): void {
    this.isTerminated = true;
    this.die();
  }
  die(): void {
    for (const listener of this.#closed) listener();
  }
}

function rig(...limits: (number | undefined)[]) {
  const made: Thread[] = [];
  const spawn = (name: string) => (): Thread => {
    const thread = new Thread(name);
    made.push(thread);
    return thread;
  };
  const threads = new WarmThreads(limits, {
    spawnWriter: spawn("writer"),
    spawnTaskWorker: spawn("worker"),
  });
  return { made, threads };
}

const names = (...limits: (number | undefined)[]): string[] =>
  rig(...limits).made.map(({ name }) => name);

test("no more than are asked for", () => {
  expect(names(1, undefined)).toEqual(["writer", "worker"]);
  expect(names(8, 1)).toEqual(["writer", "worker"]);
  expect(names(undefined, undefined).length).toBeLessThanOrEqual(3);
});

test("what was started is handed out first, and what nobody took is ended", () => {
  const { made, threads } = rig(1);
  const [writer, worker] = made;
  expect(threads.spawnWriter()).toBe(writer as Thread);
  threads[Symbol.dispose]();
  expect(writer?.isTerminated).toBe(false);
  expect(worker?.isTerminated).toBe(true);
  expect(threads.spawnTaskWorker()).toBe(made[2] as Thread);
});

test("one that ended before it was taken is not handed out", () => {
  const { made, threads } = rig(1);
  for (const thread of made.slice()) thread.die();
  expect(threads.spawnWriter()).toBe(made[2] as Thread);
  expect(threads.spawnTaskWorker()).toBe(made[3] as Thread);
});

test("without a limit, no more workers are certain than are started early", () => {
  const started: string[] = [];
  const thread = (name: string) => () => {
    started.push(name);
    return { terminate: () => undefined, addEventListener: () => undefined };
  };
  using _ = new WarmThreads([undefined], {
    spawnWriter: thread("writer"),
    spawnTaskWorker: thread("worker"),
  });
  expect(started.filter((name) => name === "worker")).toHaveLength(earlyWorkers());
  expect(earlyWorkers()).toBeLessThanOrEqual(2);
});
