// The connections of one process to Redis: one for commands, one that blocks while it reads streams, and those of BullMQ. They
// reconnect for ever. What is sent while there is no connection is dropped: the links send it again.

import { Redis, type RedisOptions } from "ioredis";

import { systemClock } from "../../base/clock.ts";
import { toFailure } from "../../base/failure.ts";
import { Promise } from "../../base/globals.ts";
import { pause } from "../../base/pause.ts";
import { shownEngine } from "../../protocol/engine-url.ts";
import { codeOf, refusedText } from "./refused-text.ts";
import {
  keyPrefix,
  LeaseQueue,
  type LeasesTaken,
  LeaseTaker,
  type RunLease,
} from "./lease-queue.ts";

/** How long a read blocks. */
const blockMs = 2_000;
/** A read that takes longer than that has lost its connection without a word: a cut network says nothing. */
const deafMs = 5_000;
/** How far back a stream of others is read at first. */
const recentMs = 3_000;
const mostEntries = 256;
/** Entries that were read are removed this many at a time. */
const trimmedAtOnce = 64;
/** A connection that is not there by then is an error; for who waits, it is said. */
const lateMs = 5_000;
const waitingMs = 1_500;
const retryMs = 200;
const mostRetryMs = 1_000;
/** Keys of a process that has died are gone after this many seconds. */
export const keySeconds = 3_600;

export const inboxKey = (id: string): string => `${keyPrefix}:inbox:${id}`;
/** Of a run: what machines say that have nothing to say. */
export const beatsKey = (id: string): string => `${keyPrefix}:beats:${id}`;
export const bundleKey = (hash: string): string => `${keyPrefix}:bundle:${hash}`;
export const machineKey = (id: string): string => `${keyPrefix}:machine:${id}`;
/** A machine has this name. */
export const nameKey = (name: string): string => `${keyPrefix}:name:${name}`;
/** The session of a run, for the next one: it knows that this one has died. */
export const runKey = (hash: string): string => `${keyPrefix}:run:${hash}`;
export const runsKey = `${keyPrefix}:runs`;

export type StreamEntry = readonly [id: string, fields: readonly string[]];

/** Who waits until Redis answers. */
export type ServerWait = {
  /** It does not yet. Called once. */
  waiting(message: string): void;
  readonly signal?: AbortSignal | undefined;
};

type ReaderCalls = {
  entries(stream: string, entries: readonly StreamEntry[]): void;
  /** All entries of one read have been handled. */
  handled(): void;
};

type ConnectionCalls = {
  /** Redis answers again: what was on its way may be lost. */
  reconnected(): void;
  /** Redis does not answer, or refuses a command. Each message once, until Redis answers again. */
  trouble(message: string): void;
};

/** Longer than BullMQ blocks (5 s) while no job waits. */
const unansweredMs = 7_000;

const options = {
  // BullMQ wants it so: its commands wait for the connection.
  maxRetriesPerRequest: null,
  retryStrategy: (attempt: number) => Math.min(attempt * 50, mostRetryMs),
  connectTimeout: 3_000,
  keepAlive: 5_000,
  // A network that is cut closes no connection, and the system would notice after a quarter of an hour.
  socketTimeout: unansweredMs,
  // Entries of streams as lists, which the later protocol answers as a map.
  protocol: 2,
} satisfies RedisOptions;

/** What a run and a machine need of Redis. The simulator has one of its own. */
export type EngineLine = Pick<
  EngineConnection,
  "isReady" | "watch" | "refused" | "post" | "read" | "drain" | "get" | "exchange" | "closeSoon"
> & {
  queue(name: string): Pick<LeaseQueue, "add" | "remove">;
  taker(...args: Parameters<EngineConnection["taker"]>): LeasesTaken;
};

export class EngineConnection {
  readonly #url: string;
  readonly #password: string | undefined;
  readonly #clients: Redis[] = [];
  readonly commands: Redis;
  readonly #said = new Set<string>();
  #calls: ConnectionCalls | undefined;
  #isClosed = false;

  private constructor(url: string, password: string | undefined) {
    this.#url = url;
    this.#password = password;
    this.commands = this.client({ lazyConnect: true });
  }

  /**
   * @param wait absent: where nothing answers, that is an error
   * @throws Error when there is no Redis at this address, or it does not let us in
   */
  static async open(url: string, password?: string, wait?: ServerWait): Promise<EngineConnection> {
    const connection = new EngineConnection(url, password);
    try {
      await connection.#opened(wait);
      return connection;
    } catch (thrown) {
      connection.close();
      if (wait?.signal?.aborted === true) throw thrown;
      throw new Error(refusedText(shownEngine(url), thrown), { cause: thrown });
    }
  }

  async #opened(wait: ServerWait | undefined): Promise<void> {
    const { commands } = this;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let why: unknown;
    const failed = (error: unknown): void => {
      why = error;
      if (wait === undefined || !isAway(error)) reject(error);
    };
    const late = systemClock.after(wait === undefined ? lateMs : waitingMs, () => {
      if (wait === undefined) return reject(new Error(`no answer after ${lateMs / 1000} s`));
      wait.waiting(`Redis at ${shownEngine(this.#url)} does not answer (${reasonOf(why)})`);
    });
    const aborted = (): void => reject(wait?.signal?.reason);
    wait?.signal?.addEventListener("abort", aborted);
    commands.on("error", failed);
    commands.once("ready", resolve);
    // It rejects at the first failure, goes on trying, and has said why by an event.
    commands.connect().catch((thrown: unknown) => failed(why ?? thrown));
    try {
      await promise;
    } finally {
      systemClock.cancel(late);
      wait?.signal?.removeEventListener("abort", aborted);
      commands.off("error", failed);
      commands.off("ready", resolve);
    }
  }

  get isReady(): boolean {
    return this.commands.status === "ready";
  }

  /**
   * One more connection, which ends with this one. It connects by itself: one that BullMQ had to connect was never used again when
   * Redis did not answer at once.
   */
  client(more: Pick<RedisOptions, "lazyConnect"> = {}): Redis {
    const password = this.#password === undefined ? {} : { password: this.#password };
    const client = new Redis(this.#url, { ...options, ...more, ...password });
    // Without a listener, ioredis prints each failed attempt. `watch` says it once.
    client.on("error", () => undefined);
    this.#clients.push(client);
    return client;
  }

  watch(calls: ConnectionCalls): void {
    const { commands } = this;
    this.#calls = calls;
    commands.on("error", () => this.#say("down", "Redis does not answer"));
    commands.on("close", () => this.#say("down", "Redis does not answer"));
    commands.on("ready", () => {
      this.#said.clear();
      calls.reconnected();
    });
  }

  /** A command has failed. What comes of a connection that was lost is said by `watch`. */
  refused(error: unknown): void {
    if (!(error instanceof Error) || error.name !== "ReplyError") return;
    this.#say(error.message.replace(/ .*/s, ""), `Redis refuses a command (${error.message})`);
  }

  #say(about: string, message: string): void {
    if (this.#isClosed || this.#said.has(about)) return;
    this.#said.add(about);
    this.#calls?.trouble(message);
  }

  /** Sends a command whose loss does not matter. */
  post(command: string, ...args: readonly (string | number)[]): void {
    if (!this.isReady) return;
    this.commands.call(command, ...args.map(String)).catch((error: unknown) => this.refused(error));
  }

  /** A queue of leases. */
  queue(name: string): LeaseQueue {
    return new LeaseQueue(this, name);
  }

  /** Takes leases from a queue, so many at once. */
  taker(name: string, concurrency: number, run: RunLease): LeaseTaker {
    return new LeaseTaker(this, name, concurrency, run);
  }

  get(key: string): Promise<string | null> {
    return this.commands.get(key);
  }

  /** @returns the value before */
  exchange(key: string, value: string, seconds: number): Promise<string | null> {
    return this.commands.set(key, value, "EX", seconds, "GET");
  }

  /** @returns what is in a stream now, and removes it; the stream stays. Nothing while there is no connection */
  async drain(stream: string): Promise<readonly StreamEntry[]> {
    if (!this.isReady) return [];
    const entries = (await this.commands.call("XRANGE", stream, "-", "+")) as StreamEntry[];
    const [id] = entries.at(-1) ?? [];
    if (id !== undefined) this.post("XTRIM", stream, "MINID", after(id));
    return entries;
  }

  /**
   * Reads streams until the connection is closed.
   * @param owned from its beginning; what was read is removed
   * @param shared from some seconds ago: it is read by others too
   */
  async read(
    { owned, shared }: { readonly owned: string; readonly shared?: string },
    calls: ReaderCalls,
  ): Promise<void> {
    const reader = this.client();
    const last = new Map<string, string>();
    // After a restart of Redis, or on another one, ids may be smaller than those seen. Frames that come twice are known.
    let isNew = true;
    reader.on("ready", () => {
      isNew = true;
    });
    for (let untrimmed = 0; !this.#isClosed;) {
      if (isNew) isNew = !(await this.#begin(last, owned, shared));
      const reply = isNew ? null : await this.#readOnce(reader, last);
      if (this.#isClosed) return;
      for (const [stream, entries] of reply ?? []) {
        calls.entries(stream, entries);
        const [id] = entries.at(-1) ?? [];
        if (id === undefined) continue;
        last.set(stream, id);
        if (stream !== owned) continue;
        untrimmed += entries.length;
        if (untrimmed < trimmedAtOnce && entries.length < mostEntries) continue;
        untrimmed = 0;
        this.post("XTRIM", stream, "MINID", after(id));
      }
      if (reply !== null) calls.handled();
    }
  }

  /** @returns false where Redis does not say what time it has */
  async #begin(last: Map<string, string>, owned: string, shared?: string): Promise<boolean> {
    last.set(owned, "0");
    if (shared === undefined) return true;
    try {
      const [seconds] = await this.commands.time();
      last.set(shared, `${Number(seconds) * 1000 - recentMs}`);
      return true;
    } catch (thrown) {
      this.refused(thrown);
      await pause(retryMs);
      return false;
    }
  }

  async #readOnce(
    reader: Redis,
    last: ReadonlyMap<string, string>,
  ): Promise<readonly [stream: string, entries: StreamEntry[]][] | null> {
    const deaf = systemClock.after(deafMs, () => reader.disconnect(true));
    try {
      const from = [...last.keys(), ...last.values()];
      return (await reader.call(
        "XREAD",
        "COUNT",
        mostEntries,
        "BLOCK",
        blockMs,
        "STREAMS",
        ...from,
      )) as [string, StreamEntry[]][] | null;
    } catch (thrown) {
      this.refused(thrown);
      if (!this.#isClosed) await pause(retryMs);
      return null;
    } finally {
      systemClock.cancel(deaf);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const client of this.#clients) client.disconnect();
  }

  /** Closes once what was sent has been answered; at once while there is no connection. */
  async closeSoon(): Promise<void> {
    const { commands } = this;
    if (this.isReady) {
      await Promise.race([commands.ping().catch(() => undefined), pause(500)]);
    }
    this.close();
  }
}

/** The smallest id of a stream that is greater. */
function after(id: string): string {
  const [ms = "0", seq = "0"] = id.split("-");
  return `${ms}-${BigInt(seq) + 1n}`;
}

/** What passes when a server is started, or a network is there again. */
const awayCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/** The server has closed the connection without a word, or says nothing (`socketTimeout`): ioredis gives that no code. */
const awayMessage = /^(Connection is closed\.|Socket timeout\.)/;

const isAway = (error: unknown): boolean =>
  awayCodes.has(codeOf(error) ?? "") || awayMessage.test(toFailure(error).message);

const reasonOf = (error: unknown): string =>
  error === undefined ? "no answer yet" : (codeOf(error) ?? toFailure(error).message);
