// Executors on Redis, with a machine in this process, held against the contract of all executors.

import { afterAll, describe, setDefaultTimeout } from "bun:test";

import { EngineConnection } from "../../../src/executors/redis/engine-connection.ts";
import { EngineKey } from "../../../src/executors/redis/engine-key.ts";
import { Machine } from "../../../src/executors/redis/machine/machine.ts";
import { redisExecutors } from "../../../src/executors/redis/redis-executors.ts";
import { WorkerPool } from "../../../src/executors/threads/worker-pool.ts";
import type { CreateExecutors } from "../../../src/executors/executors.ts";
import { bundleOf } from "../../../src/module/code-bundle.ts";
import { spawnTaskWorker } from "../../../src/spawn.ts";
import { hasRedis, type RedisServer, startRedis } from "../../support/redis-server.ts";
import { newRig } from "../../support/rig.ts";
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
  const bundle = await bundleOf(path);
  const machines: Machine[] = [];
  const [connection, ofMachine] = [
    await EngineConnection.open(url),
    await EngineConnection.open(url),
  ];
  const create: CreateExecutors = (options, events) => {
    const machine = new Machine({
      connection: ofMachine,
      key,
      version: "1",
      threads: options.workers,
      slots: options.concurrency,
      createPool: (...args) => new WorkerPool(spawnTaskWorker, ...args),
      say: () => undefined,
    });
    machines.push(machine);
    void machine.start();
    const engine = {
      connection,
      key,
      version: "1",
      pipeline: "p",
      runName: path,
      bundle,
      mostTasks: undefined,
      answerQuery: async () => ({ status: "rows" as const, rows: [] }),
      closeReader: () => undefined,
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
  if (server !== undefined) executorsContract("redis", () => openRedis(server));
});
