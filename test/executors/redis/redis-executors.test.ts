// Executors on Redis, with a machine in this process, held against the contract of all executors.

import { afterAll, describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";

import { EngineConnection } from "../../../src/executors/redis/engine-connection.ts";
import type { LeaseJob } from "../../../src/executors/redis/engine-messages.ts";
import { EngineKey } from "../../../src/executors/redis/engine-key.ts";
import { LeaseQueue, LeaseTaker } from "../../../src/executors/redis/lease-queue.ts";
import { Machine } from "../../../src/executors/redis/machine/machine.ts";
import { MachineName } from "../../../src/executors/redis/machine/machine-name.ts";
import { redisExecutors } from "../../../src/executors/redis/redis-executors.ts";
import { WorkerPool } from "../../../src/executors/threads/worker-pool.ts";
import type { CreateExecutors } from "../../../src/executors/executors.ts";
import { bundleOf } from "../../../src/module/code-bundle.ts";
import { spawnTaskWorker } from "../../../src/spawn.ts";
import { hasRedis, type RedisServer, startRedis } from "../../support/redis-server.ts";
import { newRig } from "../../support/rig.ts";
import { Bench } from "../bench.ts";
import { executorsContract, type Harness } from "../contract.ts";
import { contractModule } from "../contract-module.ts";

// Each task makes its way through three processes.
setDefaultTimeout(30_000);

const server: RedisServer | undefined = hasRedis ? await startRedis() : undefined;

async function openRedis({ url }: RedisServer): Promise<Harness> {
  const rig = newRig();
  const { control } = rig;
  // Machines of another test do not help.
  const key = EngineKey.from(crypto.randomUUID());
  const path = rig.pipeline(contractModule);
  const bundle = await bundleOf(path, []);
  const machines: Machine[] = [];
  const [connection, ofMachine] = [
    await EngineConnection.open(url),
    await EngineConnection.open(url),
  ];
  const name = await MachineName.take(ofMachine, "host");
  const create: CreateExecutors = (options, events) => {
    const machine = new Machine({
      connection: ofMachine,
      key,
      version: "1",
      name,
      threads: options.workers,
      slots: options.concurrency,
      tags: [],
      createPool: (...args) => new WorkerPool(spawnTaskWorker, ...args),
      say: () => undefined,
    });
    machines.push(machine);
    machine.start();
    const engine = {
      connection,
      key,
      version: "1",
      pipeline: "p",
      runName: path,
      bundle,
      mostTasks: undefined,
      answerQuery: async () => ({ status: "rows" as const, rows: [] }),
      closeReader: async () => undefined,
    };
    return redisExecutors(engine)(options, events);
  };
  return {
    create,
    module: { kind: "file", path, export: "default" },
    nextGate: () => control.next("gate"),
    get waitingGates() {
      return control.waiting("gate");
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(machines.map((machine) => machine.stop()));
      connection.close();
      await rig[Symbol.asyncDispose]();
    },
  };
}

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

describe.skipIf(server === undefined)("on Redis", () => {
  if (server === undefined) return;
  executorsContract("redis", () => openRedis(server));

  test("short tasks need fewer jobs than leases: a machine gets further tasks for the job that it has", async () => {
    await using harness = await openRedis(server);
    using bench = new Bench(harness);
    bench.begin();
    const added = spyOn(LeaseQueue.prototype, "add");
    try {
      const ids = bench.add("done", 12_800);
      await bench.until(() => bench.haveEnded(ids) && bench.executors.isQuiet);
      const jobs = added.mock.calls.reduce((sum, [some]) => sum + some.length, 0);
      // A lease has at most 128 tasks.
      expect(jobs).toBeLessThan(ids.length / 128);
    } finally {
      added.mockRestore();
    }
  });

  test("while Redis is away, it is not known whether a task still runs", async () => {
    await using own = await startRedis();
    await using harness = await openRedis(own);
    using bench = new Bench(harness);
    bench.begin();
    const [id] = bench.add("gate");
    if (id === undefined) throw new Error("no task");
    await harness.nextGate();
    const where = (): string => bench.executors.whereIs(id, bench.whoHas(id));
    await bench.eventually(() => where() === "running");
    await own.kill();
    await bench.eventually(() => where() === "held");
    await own.start();
    await bench.eventually(() => where() === "running");
  });

  test("a queue that is opened while Redis is away works once it is back, and so does who takes from it", async () => {
    await using own = await startRedis();
    const connection = await EngineConnection.open(own.url);
    await own.kill();
    const queue = new LeaseQueue(connection, "early");
    const { promise, resolve } = Promise.withResolvers<LeaseJob>();
    const taker = new LeaseTaker(connection, "early", 1, async (job) => {
      resolve(job);
      return "ended";
    });
    await own.start();
    const data = { session: "s", lease: 1, tasks: "", signature: "" };
    queue.add([{ name: "n", id: "s.1", data }]);
    expect(await promise).toEqual(data);
    taker.close();
    connection.close();
  });

  test("a job that is in the queue is not added again, and one that was lost is", async () => {
    const connection = await EngineConnection.open(server.url);
    const queue = new LeaseQueue(connection, "leases-of-this-test");
    const data = { session: "s", lease: 1, tasks: "", signature: "" };
    const waiting = async (): Promise<number> => {
      await connection.commands.ping();
      return connection.commands.llen("pipeloom:leases-of-this-test:wait");
    };
    for (let i = 0; i < 3; i++) queue.add([{ name: "n", id: "s.1", data }]);
    queue.add([{ name: "n", id: "s.2", data }]);
    while ((await waiting()) < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(await waiting()).toBe(2);
    await connection.commands.flushall();
    queue.add([{ name: "n", id: "s.1", data }]);
    while ((await waiting()) < 1) await new Promise((resolve) => setImmediate(resolve));
    connection.close();
  });

  test("a machine that may hold more leases takes them while it has its first one", async () => {
    const connection = await EngineConnection.open(server.url);
    const name = "leases-at-once";
    const queue = new LeaseQueue(connection, name);
    const taken = new Map<number, () => void>();
    let changed = Promise.withResolvers<void>();
    const taker = new LeaseTaker(connection, name, 1, async ({ lease }) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      taken.set(lease, resolve);
      changed.resolve();
      await promise;
      taken.delete(lease);
      return "ended";
    });
    const took = async (count: number): Promise<void> => {
      while (taken.size < count) {
        await changed.promise;
        changed = Promise.withResolvers<void>();
      }
    };
    for (const lease of [1, 2, 3, 4]) {
      const data = { session: "s", lease, tasks: "", signature: "" };
      queue.add([{ name: "n", id: `s.${lease}`, data }]);
    }
    await took(1);
    taker.concurrency = 3;
    await took(3);
    // Fewer, and more again.
    taker.concurrency = 1;
    taker.concurrency = 4;
    await took(4);
    expect([...taken.keys()]).toEqual([1, 2, 3, 4]);
    taker.close();
    connection.close();
  });

  test("one that takes no more leases takes none when it may hold more", async () => {
    const connection = await EngineConnection.open(server.url);
    const name = "leases-of-a-pause";
    const queue = new LeaseQueue(connection, name);
    const first = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    const taken: number[] = [];
    const taker = new LeaseTaker(connection, name, 1, async ({ lease }) => {
      taken.push(lease);
      first.resolve();
      await closed.promise;
      return "ended";
    });
    for (const lease of [1, 2]) {
      const data = { session: "s", lease, tasks: "", signature: "" };
      queue.add([{ name: "n", id: `s.${lease}`, data }]);
    }
    await first.promise;
    taker.pause();
    taker.concurrency = 2;
    closed.resolve();
    // Its job is gone once it has ended: what would be taken with it has been by then.
    while ((await connection.commands.exists(`pipeloom:${name}:s.1`)) === 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(taken).toEqual([1]);
    expect(await connection.commands.llen(`pipeloom:${name}:wait`)).toBe(1);
    taker.close();
    connection.close();
  });
});
