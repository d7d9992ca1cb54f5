// One run on a machine, without Redis: the test is the run, and its only thread.

import { expect, test } from "bun:test";

import type { ExecutorsEvents } from "../../../src/executors/executors.ts";
import type { ToMachine, ToRun } from "../../../src/executors/redis/engine-messages.ts";
import type { Frame } from "../../../src/executors/redis/link.ts";
import { MachineSession } from "../../../src/executors/redis/machine/machine-session.ts";
import type { SessionEnd } from "../../../src/executors/redis/machine/session-deps.ts";
import { packAssignments } from "../../../src/protocol/codec/assignments.ts";
import { taskId, workerId } from "../../../src/protocol/ids.ts";
import type { Assignment } from "../../../src/protocol/messages.ts";
import { WorkerMemory } from "../../../src/protocol/shared/worker-memory.ts";

/** A pool with one thread, which is the test. */
class Pool {
  readonly averageMs = 1;
  readonly missingTags = [];
  readonly isQuiet = true;
  readonly taken: Assignment[] = [];
  readonly #events: ExecutorsEvents;
  readonly #thread: MessagePort;

  constructor(events: ExecutorsEvents) {
    this.#events = events;
    const { port1, port2 } = new MessageChannel();
    this.#thread = port2;
    const memory = WorkerMemory.create(1).buffer;
    const message = { type: "attach", workerId: workerId(0), port: port1, memory } as const;
    events.attach({ message, transfer: [port1] });
  }

  dispatch(): void {
    this.taken.push(...this.#events.take(workerId(0), 10, 10));
  }

  finish(...ids: number[]): void {
    this.#thread.postMessage(JSON.stringify(ids.map(finished)));
  }

  /** The thread has ended while it had nothing to do: what it had done last is lost with it. */
  lose(): void {
    const failure = { name: "WorkerExit", message: "it has ended" };
    this.#events.lost({ workerId: workerId(0), running: [], unbegun: new Set(), sent: 0, failure });
  }

  whereIs(): "elsewhere" {
    return "elsewhere";
  }

  takeBackAll(): [] {
    return [];
  }

  start(): void {}
  begin(): void {}
  cancel(): void {}
  kill(): void {}
  killAll(): void {}
  async closeReaders(): Promise<void> {}

  stop(): void {
    this.#thread.close();
  }
}

const finished = (id: number) => ({
  type: "finished",
  id,
  outcome: { status: "done", result: "null" },
});

const packed = (...ids: number[]): string =>
  packAssignments(
    ids.map((id) => ({
      id: taskId(id),
      task: "t",
      name: "t",
      attempt: 1,
      input: "null",
      wantsResult: "no",
    })),
  );

class Bench {
  readonly sent: ToRun[] = [];
  readonly endings: SessionEnd[] = [];
  readonly session = new MachineSession(
    {
      machine: { name: "h", host: "h", pid: 1, version: "1", threads: 1, slots: 1, tags: [] },
      pipeline: "p",
      heardAt: 0,
      createPool: (_, events) => {
        this.pool = new Pool(events);
        return this.pool;
      },
      transmit: ({ messages }) => this.sent.push(...messages),
      load: async ({ kind, name }) => (kind === "builtin" ? { kind, name } : undefined),
      asked: () => undefined,
      say: () => undefined,
      over: (reason) => this.endings.push(reason),
      measured: () => undefined,
      ended: () => undefined,
      isShown: false,
    },
    { has: () => false, take: () => undefined },
  );
  pool: Pool | undefined;
  #seq = 0;

  receive(...messages: ToMachine[]): void {
    const frame: Frame<ToMachine> = { seq: ++this.#seq, ack: 0, messages };
    this.session.receive(frame, 0);
  }

  async untilSent(type: ToRun["type"], times = 1): Promise<void> {
    while (this.sent.filter((message) => message.type === type).length < times) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async boot(): Promise<Pool> {
    const module = { kind: "builtin", name: "b" } as const;
    this.receive({ type: "boot", module, secrets: [], maxInput: 0, hasLabels: false, tagSets: [] });
    await this.untilSent("attach");
    if (this.pool === undefined) throw new Error("there is no pool");
    return this.pool;
  }
}

const job = { session: "s", lease: 1, tasks: "", signature: "" };

test("two jobs of one lease are one claim, and neither keeps its place", async () => {
  const bench = new Bench();
  const both = [bench.session.run(job), bench.session.run(job)];
  await bench.untilSent("claim");
  bench.receive({ type: "refused", lease: 1 });
  await Promise.all(both);
  expect(bench.sent.filter(({ type }) => type === "claim")).toHaveLength(1);
});

test("a lease that is granted together with the cancellation goes back", async () => {
  const bench = new Bench();
  const task = { task: "t", name: "t", attempt: 1, input: "null", wantsResult: "no" } as const;
  const tasks = packAssignments([{ ...task, id: taskId(7) }]);
  void bench.session.run({ ...job, tasks });
  await bench.untilSent("claim");
  bench.receive({ type: "granted", lease: 1 }, { type: "cancel" });
  await bench.untilSent("ended");
  expect(bench.sent.slice(-2)).toEqual([
    { type: "returned", ids: [taskId(7)] },
    { type: "ended", lease: 1, averageMs: undefined },
  ]);
});

test("a claim that nobody answers ends with the session", async () => {
  const bench = new Bench();
  const claimed = bench.session.run(job);
  bench.session.end("silent");
  await claimed;
  expect(bench.endings).toEqual(["silent"]);
  expect(bench.session.isOpen).toBe(false);
});

test("a bundle that is not to be had is asked for", async () => {
  const bench = new Bench();
  const module = { kind: "bundle", hash: "h", name: "etl" } as const;
  bench.receive({ type: "boot", module, secrets: [], maxInput: 0, hasLabels: false, tagSets: [] });
  await bench.untilSent("bundle-wanted");
  bench.session.end("over");
});

test("a lease whose tasks have ended gets more, until the run closes it", async () => {
  const bench = new Bench();
  const pool = await bench.boot();
  const lease = bench.session.run({ ...job, tasks: packed(1, 2) });
  await bench.untilSent("claim");
  bench.receive({ type: "granted", lease: 1 });
  while (pool.taken.length < 2) await new Promise((resolve) => setImmediate(resolve));
  pool.finish(1, 2);
  await bench.untilSent("ended");
  bench.receive({ type: "more", lease: 1, text: packed(3) });
  expect(pool.taken.map(({ id }) => Number(id))).toEqual([1, 2, 3]);
  pool.finish(3);
  await bench.untilSent("ended", 2);
  expect(Bun.peek.status(lease)).toBe("pending");
  bench.receive({ type: "closed", lease: 1 });
  await lease;
  expect(bench.sent.filter(({ type }) => type === "claim")).toHaveLength(1);
  bench.session.end("over");
});

test("a lease ends with a thread that has ended its tasks and not said so", async () => {
  const bench = new Bench();
  const pool = await bench.boot();
  void bench.session.run({ ...job, tasks: packed(1, 2) });
  await bench.untilSent("claim");
  bench.receive({ type: "granted", lease: 1 });
  await bench.untilSent("held");
  pool.lose();
  await bench.untilSent("ended");
  bench.session.end("over");
});

test("a machine that leaves closes a lease without tasks, and gives back what still comes for it", async () => {
  const bench = new Bench();
  const pool = await bench.boot();
  const lease = bench.session.run({ ...job, tasks: packed(1) });
  await bench.untilSent("claim");
  bench.receive({ type: "granted", lease: 1 });
  while (pool.taken.length < 1) await new Promise((resolve) => setImmediate(resolve));
  pool.finish(1);
  await bench.untilSent("ended");
  const left = bench.session.leave();
  await lease;
  bench.receive({ type: "more", lease: 1, text: packed(2) });
  await bench.untilSent("returned");
  expect(bench.sent.filter(({ type }) => type === "returned")).toEqual([
    { type: "returned", ids: [taskId(2)] },
  ]);
  await bench.untilSent("left");
  bench.session.end("over");
  await left;
});
