import { expect, test } from "bun:test";

import type { Pipeline } from "../../src/api/pipeline.ts";
import { maxReadyChars } from "../../src/engine/backlog.ts";
import { Feeder } from "../../src/engine/feeder.ts";
import { fan, node } from "../support/nodes.ts";
import { EngineParts, started } from "./engine-parts.ts";

class Rig extends EngineParts {
  readonly failures: unknown[] = [];
  readonly totals: string[] = [];
  advances = 0;
  readonly feeder: Feeder;

  constructor(tasks: () => unknown, total?: number) {
    super();
    this.feeder = new Feeder({
      ...this.deps,
      pipeline: { tasks, origin: null, total } as unknown as Pipeline,
      ready: () => this.schedule.ready,
      failed: (thrown) => {
        this.failures.push(thrown);
        this.life.endEarly({ status: "error", failure: null });
      },
      advance: () => void this.advances++,
      selection: undefined,
      graphRecord: { tell: () => undefined },
      total: (count, complete) => void this.totals.push(`${count}${complete ? "" : " or more"}`),
    });
  }

  async begun(): Promise<this> {
    await this.feeder.plan({});
    this.life.begin(started);
    return this;
  }
}

function* streamOf(tasks: number, text = ""): Generator {
  for (let i = 0; i < tasks; i++) yield node("a", { text, i });
}

test("a list is all there is, and its size is known", async () => {
  const rig = await new Rig(() => [node("a"), node("b")]).begun();
  expect([rig.feeder.tasks, rig.feeder.isStreaming, rig.schedule.ready]).toEqual([2, false, 2]);
});

test("a result that an unfolded item reads, and that is in the file only, is asked for in the same top up", async () => {
  const early = node("early");
  const list = node("list");
  const rig = await new Rig(() => [early, fan(list, () => node("reads", { early }))]).begun();
  const results = new Map([
    ["early", undefined],
    ["list", "[1]"],
  ]);
  for (let next = rig.schedule.take(0, true); next !== undefined;) {
    rig.identities.identify(next);
    rig.graph.settleWantsResult(next);
    rig.graph.finish(next, { status: "done", result: results.get(next.name) });
    next = rig.schedule.take(0, true);
  }
  rig.feeder.topUp();
  expect([rig.asked.map(Number), rig.schedule.ready, rig.feeder.isPending]).toEqual([
    [1],
    0,
    false,
  ]);
});

/** On a busy machine, one call ends after its 50 ms. */
function topUpWholly({ feeder, schedule }: Rig): void {
  for (let before = -1; schedule.ready !== before;) {
    before = schedule.ready;
    feeder.topUp();
  }
}

test("a generator is pulled while there is room, and its end is seen", async () => {
  const rig = await new Rig(() => streamOf(700)).begun();
  expect(rig.feeder.tasks).toBe(Number.POSITIVE_INFINITY);
  topUpWholly(rig);
  expect([rig.schedule.ready, rig.feeder.isStreaming]).toEqual([512, true]);
  while (rig.schedule.take(0, true) !== undefined);
  topUpWholly(rig);
  expect([rig.schedule.ready, rig.feeder.isStreaming]).toEqual([188, false]);
});

test("of long inputs only so many characters are ready, but enough tasks for every slot", async () => {
  const long = "x".repeat(maxReadyChars / 4);
  const rig = await new Rig(() => streamOf(100, long)).begun();
  topUpWholly(rig);
  expect(rig.schedule.ready).toBe(4);
  rig.feeder.slots = 10;
  topUpWholly(rig);
  expect(rig.schedule.ready).toBe(20);
  while (rig.schedule.take(0, true) !== undefined);
  expect(rig.schedule.chars).toBe(0);
});

test("a fan-out unfolds while there is room", async () => {
  const items = Array.from({ length: 1000 }, (_, i) => i);
  const rig = await new Rig(() => fan(items, (i) => node("a", { i }))).begun();
  expect(rig.schedule.ready).toBe(512);
  expect(rig.feeder.tasks).toBe(1000);
});

test("a generator that throws, or yields what is no node, has failed; nothing more is planned", async () => {
  const nodes = [node("a"), "no node", node("b")];
  const rig = await new Rig(() => nodes.values()).begun();
  rig.feeder.topUp();
  rig.feeder.topUp();
  expect(rig.failures).toHaveLength(1);
  expect(rig.failures[0]).toMatchObject({ name: "Error" });
  expect(rig.schedule.ready).toBe(1);
});

const broken = (): never => {
  throw new TypeError("no such day");
};

test("the failure says where in the author's file a step of the generator threw", async () => {
  const failures: unknown[] = [];
  for (const isAsync of [false, true]) {
    const sync = function* (): Generator {
      yield node("a");
      broken();
    };
    const async = async function* (): AsyncGenerator {
      yield node("a");
      broken();
    };
    const rig = await new Rig(isAsync ? async : sync).begun();
    for (let i = 0; i < 3; i++) {
      rig.feeder.topUp();
      await Bun.sleep(0);
    }
    failures.push(...rig.failures);
  }
  const message = expect.stringMatching(/feeder\.test\.ts:\d+:\d+: TypeError: no such day$/);
  const failure = { name: "Error", message, stack: expect.stringContaining("at broken") };
  expect(failures).toEqual([expect.objectContaining(failure), expect.objectContaining(failure)]);
});

test("an asynchronous generator: the step that is under way is waited for, and a late one is ignored", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  async function* slow(): AsyncGenerator {
    await gates[0].promise;
    yield node("a");
    await gates[1].promise;
    yield node("b");
  }
  const rig = await new Rig(slow).begun();
  rig.feeder.topUp();
  expect([rig.feeder.isPending, rig.schedule.ready]).toEqual([true, 0]);
  gates[0].resolve();
  await Bun.sleep(0);
  expect([rig.feeder.isPending, rig.schedule.ready, rig.advances]).toEqual([false, 1, 1]);
  rig.feeder.topUp();
  rig.feeder.close();
  gates[1].resolve();
  await Bun.sleep(0);
  expect([rig.feeder.isPending, rig.schedule.ready]).toEqual([false, 1]);
});

test("a node that nothing reaches is named once everything is unfolded", async () => {
  const rig = new Rig(() => {
    node("forgotten");
    return node("a");
  });
  expect(rig.feeder.plan({})).rejects.toThrow('task "forgotten" was called in `tasks`');
});

test("the total that the author promises is sent at once", async () => {
  const rig = await new Rig(() => streamOf(1), 9).begun();
  rig.feeder.tellPlan();
  expect(rig.totals).toEqual(["9"]);
});
