// One run on a machine, without Redis: the test is the run, and its only thread.

import { describe, expect, test } from "bun:test";

import type { ExecutorsEvents } from "../../../src/executors/executors.ts";
import type { ToMachine, ToRun } from "../../../src/executors/redis/engine-messages.ts";
import type { Frame } from "../../../src/executors/redis/link.ts";
import { MachineSession } from "../../../src/executors/redis/machine/machine-session.ts";
import { OtherSessions } from "../../../src/executors/redis/machine/other-sessions.ts";
import type { SessionEnd } from "../../../src/executors/redis/machine/session-deps.ts";
import { packAssignments } from "../../../src/protocol/codec/assignments.ts";
import { runId, taskId, workerId } from "../../../src/protocol/ids.ts";
import type { Assignment } from "../../../src/protocol/messages.ts";
import type { TagSet } from "../../../src/protocol/tags.ts";
import { WorkerMemory } from "../../../src/protocol/shared/worker-memory.ts";
import { assignment } from "../../support/assignment.ts";

/** A pool with one thread, which is the test. */
class Pool {
  kills = 0;
  isStopped = false;
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

  begun(...ids: number[]): void {
    this.#thread.postMessage(JSON.stringify(ids.map(started)));
  }

  /** An item of a unit. */
  item(chars: number): void {
    this.#thread.postMessage(`#${"x".repeat(chars)}`);
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
  kill(): void {
    this.kills++;
  }

  killAll(): void {}
  async closeReaders(): Promise<void> {}

  stop(): void {
    this.isStopped = true;
    this.#thread.close();
  }
}

const started = (id: number) => ({ type: "started", id, key: `t:${id}`, attempt: 1, at: 1_000 });
const finished = (id: number) => ({
  type: "finished",
  id,
  outcome: { status: "done", result: "null" },
});

const packed = (...ids: number[]): string => packAssignments(ids.map(assignment));

class Bench {
  readonly sent: ToRun[] = [];
  readonly endings: SessionEnd[] = [];
  readonly session: MachineSession;
  pool: Pool | undefined;
  #seq = 0;

  constructor(others = new OtherSessions(() => [])) {
    this.session = new MachineSession(
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
        measured: () => ({ places: 1, isShared: false }),
        ended: () => undefined,
        isShown: false,
      },
      others,
    );
  }

  receive(...messages: ToMachine[]): void {
    const frame: Frame<ToMachine> = { seq: ++this.#seq, ack: 0, messages };
    this.session.receive(frame, 0);
  }

  async untilSent(type: ToRun["type"], times = 1): Promise<void> {
    while (this.sent.filter((message) => message.type === type).length < times) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** @param tagSets those that tasks have asked for so far */
  async boot(tagSets: readonly TagSet[] = []): Promise<Pool> {
    const module = { kind: "builtin", name: "b" } as const;
    this.receive({ type: "boot", module, secrets: [], maxInput: 0, hasLabels: false, tagSets });
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
  void bench.session.run({ ...job, tasks: packed(7) });
  await bench.untilSent("claim");
  bench.receive({ type: "granted", lease: 1 }, { type: "cancel" });
  await bench.untilSent("ended");
  expect(bench.sent.slice(-2)).toEqual([
    { type: "returned", ids: [taskId(7)] },
    { type: "ended", lease: 1, averageMs: undefined, places: 1, isShared: false },
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

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const texts = ({ sent }: Bench): string[] =>
  sent.flatMap((message) => (message.type === "records" ? [message.text] : []));

async function granted(bench: Bench, lease: number, ...ids: number[]): Promise<void> {
  void bench.session.run({ ...job, lease, tasks: packed(...ids) });
  await until(() => bench.sent.some((each) => each.type === "claim" && each.lease === lease));
  bench.receive({ type: "granted", lease });
}

describe("the run has died, and another session continues it", () => {
  const run = { pipeline: "p", params: "{}", maxLogLines: null, hasOwnTables: true, id: runId(1) };
  const begin = (isResumed: boolean) => ({ type: "begin", run, origin: "o", isResumed }) as const;

  /** Two sessions: the first one has begun tasks 1 and 2, the second one has been offered them and has a lease of task 9. */
  async function twoSessions() {
    const benches: Bench[] = [];
    const others = new OtherSessions(() => benches.map(({ session }) => session));
    const first = new Bench(others);
    benches.push(first);
    const pool = await first.boot();
    first.receive(begin(false));
    await granted(first, 1, 1, 2);
    await until(() => pool.taken.length === 2);
    pool.begun(1, 2);
    await first.untilSent("records");
    const second = new Bench(others);
    benches.push(second);
    const own = await second.boot(["gpu"]);
    second.receive(begin(true));
    await second.untilSent("offers");
    await granted(second, 2, 9);
    return { first, pool, second, own };
  }

  test("the threads of the first one work for the second one, and go on with what it wants", async () => {
    const { first, pool, second, own } = await twoSessions();
    expect([first.endings, pool.isStopped, own.isStopped]).toEqual([["replaced"], false, true]);
    const offers = second.sent.flatMap((each) => (each.type === "offers" ? each.offers : []));
    expect(offers.map(({ id, thread }) => [id, thread] as const)).toEqual([
      [taskId(1), 1],
      [taskId(2), 1],
    ]);
    pool.finish(1);
    await new Promise((resolve) => setTimeout(resolve));
    // It is not known yet what the run wants: nothing else begins, and nothing is sent.
    expect([pool.taken.length, texts(second)]).toEqual([2, []]);
    second.receive({ type: "judged", leases: [{ lease: 5, ids: [taskId(1), taskId(2)] }] });
    await second.untilSent("records");
    expect(texts(second)).toEqual([JSON.stringify([finished(1)])]);
    expect(pool.taken.map(({ id }) => Number(id))).toEqual([1, 2, 9]);
    pool.finish(2);
    await second.untilSent("ended");
    expect(second.sent.flatMap((each) => (each.type === "ended" ? each.lease : []))).toEqual([5]);
    expect(pool.kills).toBe(0);
    second.session.end("over");
  });

  test("what the threads send while the run decides is not dropped, however much it is", async () => {
    const { pool, second } = await twoSessions();
    pool.item(9 * 1024 * 1024);
    pool.finish(1);
    await until(() => second.session.runningByThread.length === 1);
    await new Promise((resolve) => setTimeout(resolve));
    second.receive({ type: "judged", leases: [{ lease: 5, ids: [taskId(1), taskId(2)] }] });
    await second.untilSent("records", 2);
    expect(texts(second).map((text) => text.slice(0, 2))).toEqual(["#x", "[{"]);
    second.session.end("over");
  });

  test("a thread in which something runs that it does not want is ended, and nothing more of it is sent", async () => {
    const { pool, second } = await twoSessions();
    second.receive({ type: "judged", leases: [] });
    await until(() => pool.kills === 1);
    // Its tasks may be there again, with the same numbers.
    pool.finish(1, 2);
    pool.lose();
    await second.untilSent("thread-lost", 2);
    expect(texts(second)).toEqual([]);
    second.session.end("over");
  });

  test("nobody hears of it: what runs is kept, and goes on when the run is there again", async () => {
    const bench = new Bench();
    const pool = await bench.boot();
    bench.receive(begin(false));
    const [kept, waiting] = [
      bench.session.run({ ...job, tasks: packed(1) }),
      bench.session.run({ ...job, lease: 2 }),
    ];
    await bench.untilSent("claim", 2);
    bench.receive({ type: "granted", lease: 1 });
    await until(() => pool.taken.length === 1);
    pool.begun(1);
    await bench.untilSent("records");
    bench.session.suspend("silent");
    // Leases of other runs get their places.
    await Promise.all([kept, waiting]);
    expect([bench.endings, bench.session.isOpen]).toEqual([[], false]);
    pool.finish(1);
    await new Promise((resolve) => setTimeout(resolve));
    expect(texts(bench)).toHaveLength(1);
    bench.session.wake();
    await until(() => texts(bench).some((text) => text.includes("finished")));
    // The run has granted it meanwhile.
    bench.receive({ type: "granted", lease: 2 });
    await until(() => bench.sent.some((each) => each.type === "ended" && each.lease === 2));
    bench.session.end("over");
  });

  test("a session of which nothing is left ends as it is not heard", async () => {
    const bench = new Bench();
    await bench.boot();
    bench.receive(begin(false));
    bench.session.suspend("silent");
    expect(bench.endings).toEqual(["silent"]);
  });
});
