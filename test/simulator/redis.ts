// A simulated Redis and its clients: streams, texts, and the queue of leases. What a client sends keeps its order and takes time.
// A connection may be cut without a word or be lost: then what was on its way is lost, is done, or is done twice.

import type { EngineLine, StreamEntry } from "../../src/executors/redis/engine-connection.ts";
import type { LeaseJob } from "../../src/executors/redis/engine-messages.ts";
import type { LeasesTaken, RunLease, Taken } from "../../src/executors/redis/lease-queue.ts";
import type { Event } from "./event-queue.ts";
import type { VirtualThread, World } from "./world.ts";

type Entry = { readonly id: number; readonly at: number; readonly fields: readonly string[] };
type Job = { readonly id: string; readonly data: LeaseJob; readonly at: number };
type Streams = { readonly owned: string; readonly shared?: string };
type Calls = Parameters<EngineLine["watch"]>[0];
type ReaderCalls = Parameters<EngineLine["read"]>[1];

/** As in EngineConnection. */
const recentMs = 3_000;
const mostEntries = 256;
/** A job is removed so long after its machine has died. */
const lockMs = 5_000;
const pauseMs = 200;
/** The share of jobs that two machines get: a lock was lost, or a command was sent again. */
const twice = 0.02;

export class SimulatedRedis {
  readonly world: World;
  readonly #latencyMs: number;
  readonly #streams = new Map<string, Entry[]>();
  readonly #texts = new Map<string, string>();
  readonly #clients = new Set<SimulatedClient>();
  #waiting: Job[] = [];
  readonly #active = new Map<string, Job & { readonly taker: SimulatedTaker }>();
  readonly #takers = new Set<SimulatedTaker>();
  #lastId = 0;
  isUp = true;

  constructor(world: World, latencyMs: number) {
    this.world = world;
    this.#latencyMs = latencyMs;
    this.#sweepLater();
  }

  get latencyMs(): number {
    return 0.05 + this.world.random.skewed(this.#latencyMs);
  }

  connect(thread: VirtualThread): SimulatedClient {
    const client = new SimulatedClient(this, thread, `redis ${this.#clients.size}`);
    this.#clients.add(client);
    if (!this.isUp) client.lose();
    return client;
  }

  // ── streams ──

  perform(command: string, args: readonly string[]): void {
    const [key = "", ...rest] = args;
    if (command === "XADD") {
      if (rest[0] === "NOMKSTREAM" && !this.#streams.has(key)) return;
      this.#add(key, rest.slice(rest.indexOf("*") + 1));
    } else if (command === "SET") this.#texts.set(key, rest[0] ?? "");
    else if (command === "DEL") {
      for (const name of args) {
        this.#streams.delete(name);
        this.#texts.delete(name);
      }
    } else if (command !== "EXPIRE") throw new Error(`Internal error: the command ${command}`);
  }

  #add(key: string, fields: readonly string[]): void {
    const entries = this.#streams.get(key) ?? [];
    this.#streams.set(key, entries);
    entries.push({ id: ++this.#lastId, at: this.world.now, fields });
    for (const client of this.#clients) client.written(key);
  }

  text(key: string): string | null {
    return this.#texts.get(key) ?? null;
  }

  after(key: string, id: number): readonly Entry[] {
    return (this.#streams.get(key) ?? []).filter((entry) => entry.id > id);
  }

  /** The last entry that is too old to be read by somebody new. */
  old(key: string): number {
    const from = this.world.now - recentMs;
    return this.#streams.get(key)?.findLast(({ at }) => at < from)?.id ?? 0;
  }

  trim(key: string, id: number): void {
    this.#streams.set(key, [...this.after(key, id)]);
  }

  // ── the queue ──

  addJob(id: string, data: LeaseJob): void {
    if (this.#active.has(id) || this.#waiting.some((job) => job.id === id)) return;
    this.#waiting.push({ id, data, at: this.world.now });
    this.offer();
  }

  removeJob(id: string): void {
    this.#waiting = this.#waiting.filter((job) => job.id !== id);
  }

  register(taker: SimulatedTaker): void {
    this.#takers.add(taker);
    this.offer();
  }

  /** Gives jobs to those that have room. */
  offer(): void {
    const takers = [...this.#takers].toSorted(() => this.world.random.next() - 0.5);
    for (const taker of takers) {
      while (taker.hasRoom && this.#waiting.length > 0) {
        const job = this.#waiting.shift();
        if (job === undefined) break;
        if (this.world.random.chance(twice)) this.#waiting.push(job);
        this.#active.set(job.id, { ...job, taker });
        taker.take(job);
      }
    }
  }

  ended(job: Job, taken: Taken): void {
    this.#active.delete(job.id);
    if (taken === "put back") this.addJob(job.id, job.data);
  }

  #sweepLater(): void {
    const { world } = this;
    world.schedule(world.outside, "", lockMs, () => this.#sweep(), false);
  }

  #sweep(): void {
    for (const [id, { taker }] of this.#active) {
      if (!taker.renews(id)) this.#active.delete(id);
    }
    this.#sweepLater();
  }

  // ── faults ──

  /** @param lostMs what was written in the last ms is lost, though it was acknowledged */
  restart(lostMs: number, downMs: number): void {
    const { world } = this;
    const since = world.now - lostMs;
    this.isUp = false;
    for (const client of this.#clients) client.lose();
    for (const [key, entries] of this.#streams) {
      this.#streams.set(
        key,
        entries.filter(({ at }) => at <= since),
      );
    }
    this.#waiting = this.#waiting.filter(({ at }) => at <= since);
    for (const [id, { at }] of this.#active) if (at > since) this.#active.delete(id);
    if (lostMs === Number.POSITIVE_INFINITY) this.#lastId = 0;
    world.schedule(world.outside, "", downMs, () => {
      this.isUp = true;
      for (const client of this.#clients) client.reconnectSoon();
    });
  }

  disconnected(client: SimulatedClient): void {
    this.#clients.delete(client);
    for (const taker of this.#takers) if (taker.client === client) this.#takers.delete(taker);
  }
}

/** A command on its way, or its reply. */
type Sent = { readonly work: () => void; isDone: boolean; event: Event | undefined };

type Reader = Streams & {
  readonly calls: ReaderCalls;
  readonly last: Map<string, number>;
  isDue: boolean;
};

/** The connections of one process, on its main thread. */
export class SimulatedClient implements EngineLine {
  readonly thread: VirtualThread;
  readonly redis: SimulatedRedis;
  readonly #name: string;
  /** What the process sends passes here first, whatever becomes of it. */
  onPost: (command: string, args: readonly string[]) => void = () => undefined;
  readonly #sent = new Set<Sent>();
  /** Sent while the connection was cut. */
  #held: Sent[] = [];
  #calls: Calls | undefined;
  #reader: Reader | undefined;
  #state: "ready" | "cut" | "lost" | "closed" = "ready";
  cutSince = Number.POSITIVE_INFINITY;

  constructor(redis: SimulatedRedis, thread: VirtualThread, name: string) {
    this.redis = redis;
    this.thread = thread;
    this.#name = name;
  }

  get isReady(): boolean {
    return this.#state === "ready" || this.#state === "cut";
  }

  get isConnected(): boolean {
    return this.#state === "ready" && this.redis.isUp && this.thread.isAlive;
  }

  watch(calls: Calls): void {
    this.#calls = calls;
  }

  refused(error: unknown): void {
    throw error;
  }

  async drain(key: string): Promise<readonly StreamEntry[]> {
    if (!this.isConnected) return [];
    const entries = this.redis.after(key, 0);
    this.redis.trim(key, Number.POSITIVE_INFINITY);
    return entries.map(({ id, fields }) => [`${id}-0`, fields]);
  }

  async get(key: string): Promise<string | null> {
    return this.redis.text(key);
  }

  async exchange(key: string, value: string): Promise<string | null> {
    const before = this.redis.text(key);
    this.redis.perform("SET", [key, value]);
    return before;
  }

  post(command: string, ...args: readonly (string | number)[]): void {
    const words = args.map(String);
    this.onPost(command, words);
    this.send(() => this.redis.perform(command, words));
  }

  send(work: () => void): void {
    if (this.isReady) this.#transmit({ work, isDone: false, event: undefined });
  }

  #transmit(sent: Sent): void {
    if (this.#state === "cut") {
      this.#held.push(sent);
      return;
    }
    const { world, latencyMs } = this.redis;
    this.#sent.add(sent);
    sent.event = world.schedule(world.outside, this.#name, latencyMs, () => {
      sent.isDone = true;
      sent.work();
      world.schedule(world.outside, "", this.redis.latencyMs, () => this.#sent.delete(sent));
    });
  }

  // ── reading ──

  async read(streams: Streams, calls: ReaderCalls): Promise<void> {
    this.#reader = { ...streams, calls, last: new Map(), isDue: false };
    this.#begin(this.#reader);
  }

  #begin(reader: Reader): void {
    const { owned, shared, last } = reader;
    last.set(owned, 0);
    if (shared !== undefined) last.set(shared, this.redis.old(shared));
    this.#deliverLater(reader);
  }

  written(key: string): void {
    const reader = this.#reader;
    if (reader?.last.has(key) === true) this.#deliverLater(reader);
  }

  #deliverLater(reader: Reader): void {
    if (reader.isDue || !this.isConnected) return;
    reader.isDue = true;
    const { world, latencyMs } = this.redis;
    world.schedule(this.thread, `${this.#name} read`, latencyMs, () => {
      reader.isDue = false;
      if (this.isConnected) this.#deliver(reader);
    });
  }

  #deliver(reader: Reader): void {
    const { calls, last, owned } = reader;
    for (const [key, from] of last) {
      const entries = this.redis.after(key, from).slice(0, mostEntries);
      const end = entries.at(-1)?.id;
      if (end === undefined) continue;
      last.set(key, end);
      const read = entries.map(({ id, fields }): StreamEntry => [`${id}-0`, fields]);
      calls.entries(key, read);
      if (key === owned && this.redis.world.random.chance(0.1)) this.redis.trim(key, end);
    }
    calls.handled();
    if ([...last].some(([key, from]) => this.redis.after(key, from).length > 0)) {
      this.#deliverLater(reader);
    }
  }

  // ── the queue ──

  queue(): ReturnType<EngineLine["queue"]> {
    return {
      add: (jobs) => {
        for (const { id, data } of jobs) this.send(() => this.redis.addJob(id, data));
      },
      remove: (id) => this.send(() => this.redis.removeJob(id)),
    };
  }

  taker(_: string, concurrency: number, run: RunLease): SimulatedTaker {
    const taker = new SimulatedTaker(this, concurrency, run);
    this.redis.register(taker);
    return taker;
  }

  // ── faults ──

  /** Without a word: what is sent waits. */
  cut(ms: number): void {
    if (this.#state !== "ready") return;
    const { world } = this.redis;
    this.#state = "cut";
    this.cutSince = world.now;
    world.schedule(world.outside, "", ms, () => this.#heal());
  }

  /** What waited arrives late, or the connection is a new one. */
  #heal(): void {
    if (this.#state !== "cut") return;
    this.cutSince = Number.POSITIVE_INFINITY;
    this.#state = "ready";
    const held = this.#held;
    this.#held = [];
    if (this.redis.world.random.chance(0.5)) {
      for (const sent of held) this.#transmit(sent);
      if (this.#reader !== undefined) this.#begin(this.#reader);
      this.redis.offer();
    } else {
      this.lose();
      this.reconnectSoon();
    }
  }

  /** The connection is lost. ioredis sends again what was not answered, in its order. */
  lose(): void {
    if (!this.isReady) return;
    const { world } = this.redis;
    this.#state = "lost";
    this.cutSince = world.now;
    const again: Sent[] = [];
    for (const sent of this.#sent) {
      if (sent.event !== undefined) world.cancel(sent.event);
      if (!sent.isDone && world.random.chance(0.3)) sent.work();
      if (world.random.chance(0.5)) again.push({ ...sent, isDone: false });
    }
    this.#sent.clear();
    this.#held = again;
    world.schedule(this.thread, "", 0, () => this.#calls?.trouble("Redis does not answer"));
  }

  reconnectSoon(): void {
    if (this.#state !== "lost") return;
    const { world } = this.redis;
    world.schedule(world.outside, "", world.random.skewed(2_000), () => {
      if (this.#state !== "lost" || !this.redis.isUp) return;
      this.#state = "ready";
      this.cutSince = Number.POSITIVE_INFINITY;
      for (const sent of this.#held.splice(0)) this.#transmit(sent);
      world.schedule(this.thread, "", 0, () => this.#calls?.reconnected());
      if (this.#reader !== undefined) this.#begin(this.#reader);
      this.redis.offer();
    });
  }

  close(): void {
    this.#state = "closed";
    this.redis.disconnected(this);
  }

  async closeSoon(): Promise<void> {
    const { world } = this.redis;
    world.schedule(world.outside, this.#name, pauseMs, () => this.close());
  }
}

export class SimulatedTaker implements LeasesTaken {
  readonly client: SimulatedClient;
  concurrency: number;
  readonly #run: RunLease;
  readonly #jobs = new Set<string>();
  #running = 0;
  #isPaused = false;

  constructor(client: SimulatedClient, concurrency: number, run: RunLease) {
    this.client = client;
    this.concurrency = concurrency;
    this.#run = run;
  }

  get hasRoom(): boolean {
    return !this.#isPaused && this.client.isConnected && this.#running < this.concurrency;
  }

  /** The job's lock. Nobody renews that of a job whose machine has never heard of it, or has ended it. */
  renews(id: string): boolean {
    const { thread, cutSince, redis } = this.client;
    return this.#jobs.has(id) && thread.isAlive && redis.world.now <= cutSince + lockMs;
  }

  take(job: Job): void {
    const { world, latencyMs } = this.client.redis;
    this.#running++;
    this.#jobs.add(job.id);
    world.schedule(this.client.thread, "jobs", latencyMs, () => {
      // It has the job, and never hears of it.
      if (this.client.isConnected) void this.#work(job);
      else this.#leave(job);
    });
  }

  #leave({ id }: Job): void {
    this.#running--;
    this.#jobs.delete(id);
  }

  async #work(job: Job): Promise<void> {
    const taken = await this.#run(job.data);
    this.#leave(job);
    this.client.send(() => {
      this.client.redis.ended(job, taken);
      this.client.redis.offer();
    });
  }

  pause(): void {
    this.#isPaused = true;
  }

  close(): void {
    this.#isPaused = true;
  }
}
