// Test interface of the writer, in this process or as a real Worker. Both must behave the same.

import { unpackEvents } from "../../src/engine/unpack-events.ts";
import type { CommittedEvent, FromWriter, ToWriter } from "../../src/protocol/messages.ts";
import type { RunRequest, WriterOptions } from "../../src/protocol/run-request.ts";
import type { Ack, TaskRecord } from "../../src/protocol/writer-records.ts";
import { creditsOf } from "../../src/protocol/shared/credits.ts";
import { SharedCount } from "../../src/protocol/shared/shared-count.ts";
import { SharedFlag } from "../../src/protocol/shared/shared-flag.ts";
import { WorkerMemory } from "../../src/protocol/shared/worker-memory.ts";
import { workerId as asWorkerId, taskId } from "../../src/protocol/ids.ts";
import { spawnWriter } from "../../src/spawn.ts";
import { RowEncoder } from "../../src/worker/row-encoder.ts";
import { insertTarget } from "../../src/worker/target-table.ts";
import { Writer, type WriterDeps } from "../../src/store/write/writer.ts";
import { options as writerOptions, request } from "../store/write/options.ts";

type Of<Type extends FromWriter["type"]> = Extract<FromWriter, { type: Type }>;

/** A queue of received messages that a test can wait for. */
class Inflow<Message> {
  readonly all: Message[] = [];
  #taken = 0;
  #waiting: (() => void)[] = [];

  add(message: Message): void {
    this.all.push(message);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** The next matching message; earlier ones are skipped. */
  async next(isWanted: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      while (this.#taken < this.all.length) {
        const message = this.all[this.#taken++];
        if (message !== undefined && isWanted(message)) return message;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

export class WriterUnderTest implements Disposable {
  readonly messages = new Inflow<FromWriter>();
  /** False: main does not confirm announcements to the writer. */
  answers = true;
  readonly givenUp = SharedFlag.create();
  readonly recorded = SharedCount.create();
  readonly #send: (message: ToWriter, transfer: MessagePort[]) => void;
  readonly #dispose: () => void;

  constructor(
    connect: (receive: (message: FromWriter) => void) => {
      send: (message: ToWriter, transfer: MessagePort[]) => void;
      dispose: () => void;
    },
  ) {
    const { send, dispose } = connect((message) => {
      this.messages.add(message);
      if (message.type === "committed" && this.answers) this.send({ type: "seen", count: 1 });
    });
    this.#send = send;
    this.#dispose = dispose;
  }

  send(message: ToWriter, transfer: MessagePort[] = []): void {
    this.#send(message, transfer);
  }

  async next<Type extends FromWriter["type"]>(type: Type): Promise<Of<Type>> {
    const message = await this.messages.next((each) => each.type === type || isEnd(each));
    if (message.type !== type) throw new Error(`${type} expected: ${JSON.stringify(message)}`);
    return message as Of<Type>;
  }

  async open(
    db: string,
    options: Partial<WriterOptions> = {},
    run: Partial<RunRequest> = {},
  ): Promise<Of<"opened">> {
    this.send({
      type: "open",
      options: writerOptions(db, { durability: "normal", ...options }),
      run: request(run),
      module: null,
      givenUp: this.givenUp.buffer,
      recorded: this.recorded.buffer,
    });
    return this.next("opened");
  }

  async close(): Promise<Of<"closed">> {
    this.send({ type: "close", status: "done", failure: null });
    return this.next("closed");
  }

  attach(number: number): PostingWorker {
    return new PostingWorker(this, number);
  }

  /** All announced events, with batches of done tasks unpacked. */
  get events(): readonly CommittedEvent[] {
    return this.messages.all.flatMap((message) =>
      message.type === "committed" ? eventsIn(message) : [],
    );
  }

  [Symbol.dispose](): void {
    this.#dispose();
  }
}

const isEnd = ({ type }: FromWriter): boolean => type === "failed" || type === "closed";

/** Decodes events as main does; main knows the name and the attempt of a done task. */
export const eventsIn = (message: Of<"committed">): readonly CommittedEvent[] =>
  unpackEvents(message.events, { get: () => known }, { shown: () => undefined });

const known = {
  name: "",
  label: undefined,
  attempt: 0,
  wantsResult: "yes",
  inputText: "",
} as const;

/** The worker's end of a port. */
export class PostingWorker {
  readonly memory = WorkerMemory.create(1);
  readonly acks = new Inflow<Ack>();
  readonly workerId: ReturnType<typeof asWorkerId>;
  readonly #port: MessagePort;
  readonly #begun = new Set<number>();

  constructor(writer: WriterUnderTest, number: number) {
    this.workerId = asWorkerId(number);
    const { port1, port2 } = new MessageChannel();
    this.#port = port2;
    port2.onmessage = (event) => this.acks.add(event.data as Ack);
    writer.send(
      { type: "attach", workerId: this.workerId, port: port1, memory: this.memory.buffer },
      [port1],
    );
  }

  #post(text: string): void {
    this.#port.postMessage(text);
    this.memory.credits.spend(creditsOf(text.length));
  }

  post(...records: readonly TaskRecord[]): void {
    for (const record of records) if (record.type === "started") this.#begun.add(record.id);
    this.#post(JSON.stringify(records));
  }

  /** Sends a batch of rows for `t (id)`. Before the first batch of a task, sends its start, as a worker does. */
  batch(id: number, rows: readonly number[]): void {
    this.rows(
      id,
      "t",
      rows.map((row) => ({ id: row })),
    );
  }

  /** Like `batch`, for any table. */
  rows(id: number, table: string, rows: readonly Readonly<Record<string, unknown>>[]): void {
    if (!this.#begun.has(id)) this.post(started(id));
    const encoder = new RowEncoder(insertTarget(taskId(id), table));
    for (const row of rows) encoder.add(row);
    this.#post(encoder.take());
  }

  async acked(): Promise<Ack> {
    return this.acks.next(() => true);
  }
}

export const started = (id: number, attempt = 1): TaskRecord => ({
  type: "started",
  id: taskId(id),
  name: `t${id}`,
  key: `t:${id}`,
  attempt,
  at: 1000,
});

export const finished = (
  id: number,
  more: Partial<Extract<TaskRecord, { type: "finished" }>> = {},
): TaskRecord => ({
  type: "finished",
  id: taskId(id),
  name: `t${id}`,
  key: `t:${id}`,
  attempt: 1,
  startedAt: 1000,
  at: 2000,
  outcome: { status: "done", result: "null" },
  wantsResult: "no",
  ...more,
});

export const inProcess = (deps: Partial<WriterDeps> = {}): WriterUnderTest =>
  new WriterUnderTest((receive) => {
    const writer = new Writer({
      // As across threads: asynchronous, and by copy.
      post: (message) => queueMicrotask(() => receive(structuredClone(message))),
      messages: async () => [],
      later: (work) => void setImmediate(work),
      after: (ms, work) => void setTimeout(work, ms),
      now: () => performance.now(),
      wall: () => Date.now(),
      ...deps,
    });
    return { send: (message) => writer.receive(message), dispose: () => undefined };
  });

export const realWorker = (): WriterUnderTest =>
  new WriterUnderTest((receive) => {
    const worker = spawnWriter();
    worker.onmessage = (event) => receive(event.data as FromWriter);
    return {
      send: (message, transfer) => worker.postMessage(message, transfer),
      dispose: () => worker.terminate(),
    };
  });
