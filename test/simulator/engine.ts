// Many machines in a simulated process: the real executors on a simulated Redis, and the real machines, each on a virtual main
// thread with threads of its own. They are killed, stopped and cut off as the scenario says.

import type { CreateExecutors, ExecutorsEvents } from "../../src/executors/executors.ts";
import { WorkerPool } from "../../src/executors/threads/worker-pool.ts";
import { EngineKey } from "../../src/executors/redis/engine-key.ts";
import type { ToMachine } from "../../src/executors/redis/engine-messages.ts";
import type { Frame } from "../../src/executors/redis/link.ts";
import { Machine } from "../../src/executors/redis/machine/machine.ts";
import { redisExecutors } from "../../src/executors/redis/redis-executors.ts";
import type { Reader } from "../../src/store/read/reader.ts";
import type { Assignment } from "../../src/protocol/messages.ts";
import { type SimulatedClient, SimulatedRedis } from "./redis.ts";
import type { EngineFault, EnginePlan } from "./scenario.ts";
import type { SimulatedTaskThread } from "./threads.ts";
import type { VirtualThread, World } from "./world.ts";

const version = "0.0.0";
const key = EngineKey.from("a key of the simulator");
/** Another machine takes the place of one that has died. */
const replacedMs = 2_000;
/** What still runs then, runs on for this time. */
const afterEndMs = 20_000;

/** Of the process of the run. */
export type EngineCalls = {
  spawn(parent: VirtualThread): SimulatedTaskThread;
  /** A thread of a machine has ended. */
  ended(thread: VirtualThread): void;
  opened(reader: Reader): void;
  /** What `ctx.query` reads. */
  readonly db: string;
  /** These tasks go on, which machines have begun for an earlier session. */
  goOn(ids: readonly number[], threads: readonly VirtualThread[]): void;
  /** The run gives these tasks to some machine. */
  taken(assignments: readonly Assignment[]): void;
  /** The run has given the machine of these threads up: nothing that they do from now on counts. */
  givenUp(threads: readonly VirtualThread[]): void;
  output(line: string): void;
};

class SimulatedMachine {
  readonly main: VirtualThread;
  readonly threads: SimulatedTaskThread[] = [];
  readonly client: SimulatedClient;
  readonly machine: Machine;

  constructor(redis: SimulatedRedis, name: string, plan: EnginePlan, calls: () => EngineCalls) {
    this.main = redis.world.thread(name);
    this.client = redis.connect(this.main);
    this.machine = new Machine({
      connection: this.client,
      key,
      version,
      name: { text: name, keep: () => undefined, giveUp: () => undefined },
      threads: plan.threads,
      slots: plan.slots,
      tags: [],
      createPool: (...args) => new WorkerPool(() => this.#spawn(calls), ...args),
      say: (level, line) => calls().output(`${level}: ${name}: ${line}`),
    });
  }

  #spawn(calls: () => EngineCalls): SimulatedTaskThread {
    const thread = calls().spawn(this.main);
    this.threads.push(thread);
    return thread;
  }

  die(world: World): void {
    if (!this.main.isAlive) return;
    for (const thread of this.threads) thread.die(1);
    world.end(this.main);
    this.client.close();
  }

  /** Like SIGSTOP, and SIGCONT some time later. */
  stop(world: World, ms: number): void {
    for (const { thread } of [{ thread: this.main }, ...this.threads]) {
      thread.now = Math.max(thread.now, world.now) + ms;
    }
  }
}

export class SimulatedEngine {
  readonly redis: SimulatedRedis;
  readonly #world: World;
  readonly #plan: EnginePlan;
  #calls: EngineCalls;
  #client: SimulatedClient;
  readonly #machines: SimulatedMachine[] = [];
  #isOver = false;
  /** Processes of the run that have begun or died. */
  epoch = 0;

  constructor(world: World, plan: EnginePlan, calls: EngineCalls) {
    this.#world = world;
    this.#plan = plan;
    this.#calls = calls;
    this.redis = new SimulatedRedis(world, plan.latencyMs);
    this.#client = this.#connect();
  }

  #connect(): SimulatedClient {
    const client = this.redis.connect(this.#world.main);
    client.onPost = (_, words) => this.#posted(words);
    return client;
  }

  /** Of the run's process that is there now. */
  get calls(): EngineCalls {
    return this.#calls;
  }

  /** The run's process has died. */
  runDied(): void {
    this.epoch++;
    this.#client.close();
  }

  /** Another process continues the run. */
  runBegins(calls: EngineCalls): void {
    this.epoch++;
    this.#calls = calls;
    this.#client = this.#connect();
  }

  /** Main threads, which give credits back to threads that wait for them. */
  get mains(): readonly VirtualThread[] {
    return this.#machines.map(({ main }) => main).filter(({ isAlive }) => isAlive);
  }

  get createExecutors(): CreateExecutors {
    const create = redisExecutors({
      connection: this.#client,
      key,
      version,
      pipeline: "simulated",
      runName: "simulated",
      bundle: undefined,
      mostTasks: this.#plan.mostTasks,
      answerQuery: async () => ({ status: "rows", rows: [] }),
      closeReader: async () => undefined,
    });
    return (options, events) => {
      for (let i = this.#machines.length; i < this.#plan.machines; i++) this.#add();
      return create(options, this.#watched(events));
    };
  }

  #watched(events: ExecutorsEvents): ExecutorsEvents {
    return {
      readyOn: (on) => events.readyOn(on),
      tagSets: () => events.tagSets(),
      take: (...asked) => {
        const taken = events.take(...asked);
        this.#calls.taken(taken);
        return taken;
      },
      attach: (port) => events.attach(port),
      moved: (ids, worker) => events.moved(ids, worker),
      toppedUp: () => events.toppedUp(),
      lost: (worker) => events.lost(worker),
      returned: (ids) => events.returned(ids),
      broken: (failure) => events.broken(failure),
      output: (level, line) => events.output(level, line),
    };
  }

  #add(): void {
    if (this.#isOver) return;
    const name = `machine ${this.#machines.length}`;
    const machine = new SimulatedMachine(this.redis, name, this.#plan, () => this.#calls);
    this.#machines.push(machine);
    this.#world.schedule(machine.main, "", this.redis.latencyMs, () => machine.machine.start());
  }

  /** The run says so to the machine itself, whether it hears it or not. */
  #posted(words: readonly string[]): void {
    const [inbox = ""] = words;
    const machine = this.#machines.find(({ machine: { id } }) => inbox.endsWith(`:${id}`));
    const threads = machine?.threads.map(({ thread }) => thread) ?? [];
    for (const word of words) if (word.includes('"judged"')) this.#judged(word, threads);
    if (!words.some((word) => word.includes('"given up"'))) return;
    this.#calls.givenUp(threads);
  }

  /** @param body of a frame */
  #judged(body: string, threads: readonly VirtualThread[]): void {
    const { messages } = JSON.parse(body) as Frame<ToMachine>;
    for (const message of messages) {
      if (message.type !== "judged") continue;
      this.#calls.goOn(
        message.leases.flatMap(({ ids }) => ids),
        threads,
      );
    }
  }

  befall({ fault, machine: number, ms }: EngineFault): void {
    const machine = this.#machines[number];
    const world = this.#world;
    switch (fault) {
      case "dies":
        machine?.die(world);
        world.schedule(world.outside, "", replacedMs, () => this.#add());
        return;
      case "leaves":
        if (machine === undefined) return;
        world.schedule(machine.main, "", 0, () => void machine.machine.leave());
        world.schedule(world.outside, "", replacedMs, () => this.#add());
        return;
      case "stops":
        return machine?.stop(world, ms);
      case "is cut off":
        return machine?.client.cut(ms);
      case "run is cut off":
        return this.#client.cut(ms);
      case "reconnects":
        machine?.client.lose();
        return machine?.client.reconnectSoon();
      case "redis restarts":
        return this.redis.restart(0, ms);
      case "redis forgets":
        return this.redis.restart(Number.POSITIVE_INFINITY, ms);
      case "redis loses the last second":
        return this.redis.restart(1_000, ms);
    }
  }

  /** The run has ended, and sooner or later its machines too. */
  end(): void {
    const world = this.#world;
    world.schedule(world.outside, "", afterEndMs, () => {
      this.#isOver = true;
      for (const machine of this.#machines) machine.die(world);
    });
  }
}
