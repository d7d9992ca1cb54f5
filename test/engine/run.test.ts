// Whole runs, simulated: what the simulator's random graphs are too small or too tame for.

import { describe, expect, test } from "bun:test";

import { each, type Node } from "../../src/api/node.ts";
import { task } from "../../src/api/task.ts";
import type { RunEvent } from "../../src/protocol/events.ts";
import type { SimulatedProcess } from "../simulator/process.ts";
import { simulated } from "../support/simulated.ts";

const finished = (events: readonly RunEvent[]): string[] =>
  events.flatMap((event) => (event.type === "task-finished" ? [event.name] : []));

describe("many", () => {
  test("a chain of 300, each link after the one before", () => {
    const process = simulated(() => {
      const link = task({ name: "link", run: ({ n }: { n: number }) => n + 1 });
      let last: Node<number> = link({ n: 0 }, { name: "0" });
      for (let i = 1; i < 300; i++) last = link({ n: last }, { name: String(i) });
      return last;
    });
    process.run();
    expect(process.summary).toMatchObject({ status: "done", done: 300 });
    expect(finished(process.events)).toEqual(Array.from({ length: 300 }, (_, i) => String(i)));
  });

  test("a stream of 20,000 is pulled as there is room, never far ahead", () => {
    let pulled = 0;
    let ended = 0;
    let furthest = 0;
    const process = simulated(
      function* stream(): Generator<Node<unknown>> {
        const one = task<{ i: number }>({ name: "one", run: () => void ended++ });
        for (let i = 0; i < 20_000; i++) {
          pulled++;
          furthest = Math.max(furthest, pulled - ended);
          yield one({ i });
        }
      },
      { concurrency: 4 },
    );
    process.run();
    expect(process.summary).toMatchObject({ status: "done", done: 20_000 });
    expect(ended).toBe(20_000);
    expect(furthest).toBeLessThan(4000);
  });

  test("a fan-out over what a task yields, and back in", () => {
    let given: readonly number[] = [];
    const process = simulated(() => {
      const list = task({ name: "list", run: () => Array.from({ length: 2000 }, (_, i) => i) });
      const square = task({ name: "square", run: ({ i }: { i: number }) => i * i });
      const end = task({
        name: "end",
        run: ({ all }: { all: number[] }) => {
          given = all;
        },
      });
      return end({ all: each(list(), (i) => square({ i })) });
    });
    process.run();
    expect(process.summary).toMatchObject({ status: "done", done: 2002 });
    expect(given).toEqual(Array.from({ length: 2000 }, (_, i) => i * i));
  });
});

/** Makes items of three stages, which say what has begun. */
const stages = (begun: string[]) => {
  const stage = (name: string) =>
    task({
      name,
      async run({ i }: { i: number }) {
        begun.push(`${name} ${i}`);
        // Long enough that none is dispatched ahead of time.
        await new Promise((next) => setTimeout(next, 300));
        return i;
      },
    });
  const [load, transform, save] = [stage("load"), stage("transform"), stage("save")];
  return (i: number): Node<number> => save({ i: transform({ i: load({ i }) }) });
};

describe("depth before breadth: an item goes on before the next one begins", () => {
  const items = Array.from({ length: 40 }, (_, i) => i);

  for (const [source, plan] of [
    ["a list", (item: (i: number) => Node<number>) => items.map(item)],
    ["a fan-out", (item: (i: number) => Node<number>) => each(items, item)],
    [
      "a stream",
      function* stream(item: (i: number) => Node<number>): Generator<Node<number>> {
        for (const i of items) yield item(i);
      },
    ],
  ] as const) {
    test(`items of ${source}`, () => {
      const begun: string[] = [];
      const process = simulated(() => plan(stages(begun)), { workers: 1, concurrency: 1 });
      process.run();
      expect(process.summary).toMatchObject({ status: "done", done: 120 });
      // A slot may get the next item while the end of a task is being committed.
      const open = begun.map((_, at) => {
        const count = (name: string) => begun.slice(0, at).filter((of) => of.startsWith(name));
        return count("load").length - count("save").length;
      });
      expect(Math.max(...open)).toBeLessThanOrEqual(4);
    });
  }
});

test("an item that passes on what waits for its fan-out: the run ends and names the circle", () => {
  const process = simulated(() => {
    const use = task<{ item: number; total: unknown }>({ name: "use", run: () => null });
    const sum = task<{ all: unknown[] }>({ name: "total", run: () => null });
    const report = task<{ total: unknown }>({ name: "report", run: () => null });
    const all: Node<unknown[]> = each([1, 2], (item) => use({ item, total }));
    const total: Node<unknown> = sum({ all });
    return report({ total });
  });
  process.run();
  expect(process.summary).toMatchObject({ status: "error", queued: 4 });
  expect(process.summary?.failure?.message).toMatch(
    /^these wait for one another: task "total".* → task "use".* → a fan-out → task "total"/,
  );
});

test("a generator that fails ends the run, and what runs is told", () => {
  const process = simulated(
    async function* failing(): AsyncGenerator<Node<unknown>> {
      const wait = task({
        name: "wait",
        run: (_, ctx) =>
          new Promise<void>((_resolve, reject) => {
            ctx.signal.addEventListener("abort", () => reject(new Error("told to stop")));
          }),
      });
      yield wait();
      yield wait();
      await new Promise((next) => setTimeout(next, 20));
      throw new RangeError("no more pages");
    },
    { workers: 1, concurrency: 2 },
  );
  process.run();
  expect(process.summary).toMatchObject({ status: "error", cancelled: 2 });
  expect(process.summary?.failure).toMatchObject({
    message: expect.stringMatching(/run\.test\.ts:\d+:\d+: RangeError: no more pages$/),
    cause: { name: "RangeError", message: "no more pages" },
  });
});

test("a writer that is stuck in a message's `apply`: a run that is told to stop now ends within 5 s", () => {
  let isStuck = false;
  const process: SimulatedProcess = simulated(() => task({ name: "one", run: () => null })(), {
    onEvent: ({ type }) => {
      if (type === "run-started") process.stop(true);
    },
    onStatement: () => {
      if (isStuck || process.events.length === 0) return;
      isStuck = true;
      process.world.current.now += 3_600_000;
    },
  });
  process.run();
  expect(isStuck).toBe(true);
  expect(process.summary).toMatchObject({ status: "cancelled", failure: { name: "WriterStuck" } });
  expect(process.endedMs).toBeWithin(5_000, 6_000);
});

describe("a run that ends early lets its generator clean up", () => {
  const ends = {
    "it yields what is no node": (): unknown => "no node",
    "the writer fails": (process: SimulatedProcess, make: () => unknown): unknown => {
      process.endWriter();
      return make();
    },
  };

  test.each(Object.entries(ends))("%s", (_, end) => {
    let closed = 0;
    const process: SimulatedProcess = simulated(async function* stream() {
      const one = task({ name: "one", run: () => null });
      const make = (): Node<unknown> => one();
      try {
        yield make();
        await new Promise((resolve) => setTimeout(resolve, 10));
        for (;;) yield end(process, make) as Node<unknown>;
      } finally {
        closed++;
      }
    });
    process.run();
    expect(process.summary).toMatchObject({ status: "error" });
    expect(closed).toBe(1);
    expect(process.events.at(-1)?.type).toBe("run-finished");
  });
});
