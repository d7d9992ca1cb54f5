// The writer: takes records in, groups them into transactions, and tells what is committed, in this order. It owns the
// only connection that writes. It does not care whether the other end of a port is a thread or a test.

import type { MessageHandle } from "../api/message.ts";
import { Claims, creditsOf, maxCredits } from "../protocol/claims.ts";
import { type Failure, toFailure } from "../protocol/failure.ts";
import type { Slot } from "../protocol/ids.ts";
import {
  type Ack,
  type WireEvent,
  type FromWriter,
  type MainRecord,
  type ModuleRef,
  type TaskRecord,
  type RunRequest,
  type ToWriter,
  unitPartMark,
  type WriterOptions,
} from "../protocol/messages.ts";
import type { RunSummary } from "../protocol/summary.ts";
import { doneMark, unpackDone } from "../protocol/wire.ts";
import { assertNever } from "../protocol/unreachable.ts";
import { batchLimits, decide } from "./batch.ts";
import { Inbox } from "./inbox.ts";
import { Recorder } from "./recorder.ts";
import { notRunning, RunningAttempts } from "./running-attempts.ts";
import { endedSummary } from "./ended-summary.ts";
import { isRunAlive } from "./liveness.ts";
import { Session } from "./session.ts";
import { type LiveRun, RunAliveError } from "./store-error.ts";

export type WriterTools = {
  post(message: FromWriter): void;
  /** The pipeline's own messages, from its module. */
  messages(module: ModuleRef): Promise<readonly MessageHandle<never>[]>;
  /** Runs `work` when the event loop has handed over what has arrived. */
  later(work: () => void): void;
  /** Runs `work` after `ms`. */
  after(ms: number, work: () => void): void;
  /** Epoch ms. */
  now(): number;
};

/** What main may not have taken in yet. Beyond, the writer waits, and with it the Workers. */
const maxUnseen = 64;
const maxUnseenChars = 16 * 1024 * 1024;
const idleLookMs = 5;
/** How often it is seen whether the run that is waited for has ended. */
const aliveLookMs = 250;
/** A lane may have become idle just after its task's end was posted: nothing else would say so. */
const endsLookMs = 3;

type Worker = {
  readonly port: MessagePort;
  readonly claims: Claims;
  received: number;
  /** Set once the thread is gone: all its posts have arrived when this many have. */
  expected: number | undefined;
  /** Given back, and told, after the commit. */
  credits: number;
  checkpoints: NonNullable<Ack["checkpoints"]>[number][];
  /** Parts of a unit were taken in: the Worker may wait for room although nothing is committed. */
  partsTaken: boolean;
};

export class Writer {
  readonly #tools: WriterTools;
  readonly #workers = new Map<Slot, Worker>();
  readonly #inbox = new Inbox();
  readonly #attempts = new RunningAttempts();
  #fromMain: MainRecord[] = [];
  #session: Session | undefined;
  #recorder: Recorder | undefined;
  /** Whose unit is under way. */
  #owner: Slot | undefined;
  #records = 0;
  /** The open transaction holds something that somebody waits for. */
  #awaited = false;
  /** It holds the end of a task. */
  #hasEnds = false;
  #openedAt: number | undefined;
  /** Characters of each commit that main has not taken in, oldest first. */
  #unseen: number[] = [];
  #unseenChars = 0;
  #scheduled = false;
  #lookScheduled = false;
  #total: { total: number; complete: boolean } | undefined;
  #closing: Extract<ToWriter, { type: "close" }> | undefined;
  #failed = false;

  constructor(tools: WriterTools) {
    this.#tools = tools;
  }

  receive(message: ToWriter): void {
    if (this.#failed) return;
    switch (message.type) {
      case "open":
        void this.#open(message);
        return;
      case "attach":
        this.#attach(message.slot, message.port, Claims.from(message.claims));
        return;
      case "detach": {
        const worker = this.#workers.get(message.slot);
        if (worker !== undefined) worker.expected = message.sent;
        return this.#wake();
      }
      case "records":
        this.#fromMain.push(...message.records);
        return this.#wake();
      case "total":
        this.#total = { total: message.total, complete: message.complete };
        return this.#wake();
      case "seen":
        for (const chars of this.#unseen.splice(0, message.count)) this.#unseenChars -= chars;
        return this.#wake();
      case "close":
        this.#closing = message;
        return this.#wake();
      default:
        assertNever(message);
    }
  }

  async #open({ options, run, module }: Extract<ToWriter, { type: "open" }>): Promise<void> {
    try {
      const handles = module === null ? [] : await this.#tools.messages(module);
      const session = await this.#openSession(options, run, handles);
      if (session === undefined) return;
      this.#session = session;
      this.#recorder = new Recorder(this.#session.rows);
      for (const page of this.#session.knownTasks()) {
        this.#tools.post({ type: "known", tasks: JSON.stringify(page) });
      }
      const { started, otherCode } = session;
      this.#tools.post({ type: "opened", started, otherCode });
      this.#wake();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Undefined when the run that was waited for has done it all. */
  async #openSession(
    options: WriterOptions,
    request: RunRequest,
    handles: readonly MessageHandle<never>[],
  ): Promise<Session | undefined> {
    for (;;) {
      try {
        return Session.open(options, request, handles, this.#tools.now());
      } catch (thrown) {
        if (!(thrown instanceof RunAliveError) || !request.wait) throw thrown;
        const summary = await this.#waitFor(thrown.run, options.db);
        if (summary?.status !== "done") continue;
        this.#failed = true;
        this.#tools.post({ type: "done-elsewhere", summary });
        return undefined;
      }
    }
  }

  /** What it came to; undefined when it died. */
  async #waitFor(run: LiveRun, db: string): Promise<RunSummary | undefined> {
    const pid = run.pid === null ? "" : ` (pid ${run.pid})`;
    this.#tools.post({
      type: "output",
      level: "info",
      line: `run ${run.id} of "${run.pipeline}" is going on in ${db}${pid}; waiting for its end`,
    });
    while (isRunAlive(db, run)) {
      await new Promise<void>((resolve) => this.#tools.after(aliveLookMs, resolve));
    }
    return endedSummary(db, run.id);
  }

  #attach(slot: Slot, port: MessagePort, claims: Claims): void {
    const worker: Worker = {
      port,
      claims,
      received: 0,
      expected: undefined,
      credits: 0,
      checkpoints: [],
      partsTaken: false,
    };
    this.#workers.set(slot, worker);
    this.#inbox.open(slot);
    port.onmessage = (event) => {
      worker.received++;
      this.#inbox.push(slot, event.data as string);
      this.#wake();
    };
  }

  #wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#tools.later(() => {
      this.#scheduled = false;
      this.#drain();
    });
  }

  #drain(): void {
    if (this.#failed || this.#session === undefined) return;
    try {
      this.#work(this.#session);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #work(session: Session): void {
    this.#openedAt ??= this.#tools.now();
    for (;;) {
      const awaited = this.#isAwaited;
      const decision = decide({
        records: this.#records,
        ageMs: this.#tools.now() - this.#openedAt,
        inboxEmpty: !this.#hasWork,
        awaited,
      });
      if (decision === "take-more" && this.#mayAnnounce) {
        this.#takeOne();
        continue;
      }
      if (this.#owner !== undefined) {
        // A unit is not torn apart: the rest of it is on its way, or its Worker is gone.
        if (this.#inbox.has(this.#owner)) this.#takeOne();
        else if (!this.#abandonUnit(session)) return this.#returnParts();
        continue;
      }
      if (decision === "wait" && this.#closing === undefined) {
        return this.#lookAgain(this.#hasEnds || awaited ? endsLookMs : idleLookMs);
      }
      break;
    }
    this.#commit(session);
    this.#detachLost();
    if (this.#hasWork && this.#mayAnnounce) this.#wake();
    else if (this.#closing !== undefined && !this.#hasWork) this.#close(session, this.#closing);
  }

  /** One timer at a time: each post that arrives while the transaction is held would leave its own behind. */
  #lookAgain(ms: number): void {
    if (this.#lookScheduled) return;
    this.#lookScheduled = true;
    this.#tools.after(ms, () => {
      this.#lookScheduled = false;
      this.#wake();
    });
  }

  /**
   * The end of a task is awaited by what depends on it and by whoever has nothing else to do: while every lane is busy
   * and may send, no lane would be used any better. A stream of ends is awaited by main, which limits what is in flight.
   */
  get #isAwaited(): boolean {
    if (this.#awaited || this.#total !== undefined || this.#hasLost) return true;
    // Rows are applied as they come, and another process may wait for the lock.
    if (this.#session?.db.inTransaction === true) return true;
    const isStream = this.#records >= batchLimits.streamRecords;
    for (const { claims } of this.#workers.values()) {
      if (claims.outstanding() > maxCredits / 2) return true;
      if (this.#hasEnds && (isStream || !claims.isBusy())) return true;
    }
    return false;
  }

  /** A thread is gone, and main waits to hear that all it sent is committed. */
  get #hasLost(): boolean {
    for (const { expected } of this.#workers.values()) if (expected !== undefined) return true;
    return false;
  }

  get #hasWork(): boolean {
    return !this.#inbox.isEmpty || this.#fromMain.length > 0;
  }

  /** Main's first: what it says of a task (that it waits) was so before any Worker began it. */
  #takeOne(): void {
    if (this.#fromMain.length > 0) return this.#takeMain();
    const next = this.#inbox.shift(this.#owner);
    if (next === undefined) return;
    const worker = this.#workers.get(next.slot);
    if (worker === undefined) return;
    if (next.post.startsWith(unitPartMark)) this.#takePart(next.slot, worker, next.post);
    else if (next.post.startsWith(doneMark)) this.#takeDone(worker, next.post);
    else this.#takeRecords(next.slot, worker, next.post);
  }

  #takeMain(): void {
    for (const record of this.#fromMain) {
      if (record.type === "finished") this.#attempts.end(record.id, record.attempt);
      this.#recorder?.main(record);
    }
    this.#records += this.#fromMain.length;
    this.#awaited = true;
    this.#fromMain = [];
  }

  #takePart(slot: Slot, worker: Worker, post: string): void {
    this.#owner = slot;
    this.#session?.unit.part(post);
    worker.claims.giveBack(creditsOf(post.length));
    worker.partsTaken = true;
  }

  #takeDone(worker: Worker, post: string): void {
    this.#hasEnds = true;
    this.#records += unpackDone(post, (task) => {
      if (this.#attempts.end(task.id, task.attempt)) this.#recorder?.done(task);
    });
    worker.credits += creditsOf(post.length);
  }

  #takeRecords(slot: Slot, worker: Worker, post: string): void {
    const records = JSON.parse(post) as TaskRecord[];
    const unitFailure = this.#owner === slot ? this.#endUnit(records[0]) : undefined;
    for (const record of records) this.#takeRecord(worker, record, unitFailure);
    this.#records += records.length;
    worker.credits += creditsOf(post.length);
  }

  /** Keeps the unit if its attempt runs, or says why it could not be applied. */
  #endUnit(end: TaskRecord | undefined): Failure | undefined {
    if (end === undefined || !endsUnit(end)) {
      throw new Error(`Internal error: a unit that ends with ${end?.type ?? "nothing"}`);
    }
    this.#owner = undefined;
    if (this.#attempts.isRunning(end.id, end.attempt)) return this.#session?.unit.end();
    this.#session?.unit.abandon();
    return notRunning(end.attempt);
  }

  #takeRecord(worker: Worker, record: TaskRecord, unitFailure: Failure | undefined): void {
    switch (record.type) {
      case "started":
        this.#attempts.start(record.id, record.attempt);
        break;
      case "checkpoint":
        if (!this.#takeCheckpoint(worker, record, unitFailure)) return;
        break;
      case "finished":
        this.#hasEnds = true;
        if (!this.#attempts.end(record.id, record.attempt)) return;
        break;
      case "progress":
      case "log":
        break;
      default:
        assertNever(record);
    }
    this.#recorder?.task(record, unitFailure);
  }

  /** False when it does not count; its Worker is told why. */
  #takeCheckpoint(
    worker: Worker,
    { id, attempt, seq }: Checkpoint,
    unitFailure: Failure | undefined,
  ): boolean {
    this.#awaited = true;
    const failure =
      unitFailure ?? (this.#attempts.isRunning(id, attempt) ? undefined : notRunning(attempt));
    worker.checkpoints.push(failure === undefined ? { id, seq } : { id, seq, failure });
    return failure === undefined;
  }

  /** True when the unit's Worker will never send the rest. */
  #abandonUnit(session: Session): boolean {
    const worker = this.#owner === undefined ? undefined : this.#workers.get(this.#owner);
    if (worker?.expected === undefined || worker.received < worker.expected) return false;
    session.unit.abandon();
    this.#owner = undefined;
    return true;
  }

  /** Lets a Worker go on that waits for room within its unit. */
  #returnParts(): void {
    for (const worker of this.#workers.values()) {
      if (!worker.partsTaken) continue;
      worker.partsTaken = false;
      worker.port.postMessage({ type: "ack" } satisfies Ack);
    }
  }

  #commit(session: Session): void {
    const events = this.#recorder?.takeEvents() ?? [];
    if (this.#total !== undefined) {
      session.setTotal(this.#total.total);
      events.push({ type: "run-total", ...this.#total });
      this.#total = undefined;
    }
    session.commit();
    this.#records = 0;
    this.#awaited = false;
    this.#hasEnds = false;
    this.#openedAt = undefined;
    this.#acknowledge();
    if (events.length > 0) this.#announce(events);
  }

  #announce(events: readonly WireEvent[]): void {
    const text = JSON.stringify(events);
    this.#unseen.push(text.length);
    this.#unseenChars += text.length;
    this.#tools.post({ type: "committed", events: text });
  }

  get #mayAnnounce(): boolean {
    return this.#unseen.length < maxUnseen && this.#unseenChars < maxUnseenChars;
  }

  #acknowledge(): void {
    for (const worker of this.#workers.values()) {
      if (worker.credits === 0 && !worker.partsTaken) continue;
      worker.claims.giveBack(worker.credits);
      const ack: Ack =
        worker.checkpoints.length === 0
          ? { type: "ack" }
          : { type: "ack", checkpoints: worker.checkpoints };
      worker.port.postMessage(ack);
      worker.credits = 0;
      worker.checkpoints = [];
      worker.partsTaken = false;
    }
  }

  #detachLost(): void {
    for (const [slot, worker] of this.#workers) {
      if (worker.expected === undefined || worker.received < worker.expected) continue;
      if (this.#inbox.has(slot)) continue;
      worker.port.close();
      this.#workers.delete(slot);
      this.#inbox.close(slot);
      this.#tools.post({ type: "detached", slot });
    }
  }

  #close(session: Session, { status, failure }: Extract<ToWriter, { type: "close" }>): void {
    this.#failed = true;
    for (const worker of this.#workers.values()) worker.port.close();
    const finished = session.close(status, failure, this.#tools.now());
    this.#tools.post({ type: "closed", finished });
  }

  /** Nothing more will be committed. The run's row keeps `running`: the next run finds it and continues. */
  #fail(thrown: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    const failure = toFailure(this.#session?.explain(thrown) ?? thrown);
    this.#session?.abort();
    this.#tools.post({ type: "failed", failure });
  }
}

type Checkpoint = Extract<TaskRecord, { type: "checkpoint" }>;
type Finished = Extract<TaskRecord, { type: "finished" }>;

/** What is sent before the failure of a task stays in its Worker. */
const endsUnit = (record: TaskRecord): record is Checkpoint | Finished =>
  record.type === "checkpoint" || (record.type === "finished" && record.outcome.status === "done");
