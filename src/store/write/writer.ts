// The writer: takes records in, groups them into transactions, and tells what is committed, in this order. It owns the
// only connection that writes. It does not care whether the other end of a port is a thread or a test.

import { Promise, JSON } from "../../base/globals.ts";
import type { MessageHandle } from "../../api/message.ts";
import { thrownAt } from "../../base/thrown-at.ts";
import { creditsOf, maxCredits } from "../../protocol/shared/credits.ts";
import { SharedFlag } from "../../protocol/shared/shared-flag.ts";
import { WorkerMemory } from "../../protocol/shared/worker-memory.ts";
import { type Failure, toFailure } from "../../base/failure.ts";
import type { WorkerId, TaskId } from "../../protocol/ids.ts";
import type { WireEvent, FromWriter, ModuleRef, ToWriter } from "../../protocol/messages.ts";
import {
  type Ack,
  type MainRecord,
  type TaskRecord,
  unitItemMark,
} from "../../protocol/records.ts";
import { Mask } from "../../protocol/mask.ts";
import { completionsMark, unpackCompletions } from "../../protocol/codec/completions.ts";
import { assertNever } from "../../base/unreachable.ts";
import type { LogLevel } from "../../protocol/status.ts";
import { commitLimits, decide } from "./commit-policy.ts";
import { Inbox } from "./inbox.ts";
import { Recorder } from "./recorder.ts";
import { notRunning, RunningAttempts } from "./running-attempts.ts";
import { endedSummary } from "./ended-summary.ts";
import { Group } from "./group.ts";
import { isRunAlive, type LiveRun, RunAliveError } from "../liveness.ts";
import { Patience, type PatienceClock, sleepingClock, Wait } from "../patience.ts";
import { Session } from "./session.ts";
import { isConstraint } from "../sqlite-error.ts";
import { isLockedAtOpen } from "../store-error.ts";
import { refusedAtCommit, TransactionLostError } from "./unit-applier.ts";

export type WriterTools = {
  post(message: FromWriter): void;
  /** The pipeline's own messages, from its module. */
  messages(module: ModuleRef): Promise<readonly MessageHandle<never>[]>;
  /** Runs `work` when the event loop has handed over what has arrived. */
  later(work: () => void): void;
  /** Runs `work` after `ms`. */
  after(ms: number, work: () => void): void;
  /** Monotonic ms: how old a transaction is. */
  now(): number;
  /** Epoch ms: what is stored and shown. */
  wall(): number;
  /** For waiting in the middle of a transaction; the system's by default. */
  readonly clock?: PatienceClock;
};

/** What main may not have taken in yet. Beyond, the writer waits, and with it the Workers. */
const maxUnseen = 64;
const maxUnseenChars = 16 * 1024 * 1024;
const idleLookMs = 5;
/** How often it is seen whether the run that is waited for has ended. */
const aliveLookMs = 250;
/** Between two tries to open a database that another program has locked; each try waits for a while itself. */
const lockLookMs = 20;
/** A slot may have become idle just after its task's end was posted: nothing else would say so. */
const endsLookMs = 3;

type Worker = {
  readonly workerId: WorkerId;
  readonly port: MessagePort;
  readonly memory: WorkerMemory;
  received: number;
  /** Set once the thread is gone: all its posts have arrived when this many have. */
  expected: number | undefined;
  /** Given back, and told, after the commit. */
  credits: number;
  checkpoints: NonNullable<Ack["checkpoints"]>[number][];
  /** Parts of a unit were taken in: the Worker may wait for room although nothing is committed. */
  partsTaken: boolean;
};

type Open = { readonly session: Session; readonly recorder: Recorder };

/** Each way out is announced once: `closed` by `closed` or `done-elsewhere`, `failed` by `failed`. */
type Life =
  | { readonly state: "opening" }
  | ({ readonly state: "open" } & Open)
  | ({ readonly state: "closing" } & Open)
  | { readonly state: "closed" }
  | { readonly state: "failed" };

export class Writer {
  readonly #tools: WriterTools;
  readonly #workers = new Map<WorkerId, Worker>();
  readonly #inbox = new Inbox();
  /** What the open transaction is made of. */
  readonly #group = new Group<Worker>();
  #life: Life = { state: "opening" };
  readonly #attempts = new RunningAttempts();
  #fromMain: MainRecord[] = [];
  /** Whose unit is under way. */
  #owner: Worker | undefined;
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
  /** Main has asked for the end; what has come in before is committed first. */
  #closeAsked: Extract<ToWriter, { type: "close" }> | undefined;

  constructor(tools: WriterTools) {
    this.#tools = tools;
  }

  receive(message: ToWriter): void {
    if (this.#life.state === "closed" || this.#life.state === "failed") return;
    switch (message.type) {
      case "open":
        void this.#open(message);
        return;
      case "attach":
        this.#attach(message.workerId, message.port, WorkerMemory.from(message.memory));
        return;
      case "detach": {
        const worker = this.#workers.get(message.workerId);
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
      case "results":
        return this.#postResults(message.ids);
      case "close":
        this.#closeAsked = message;
        return this.#wake();
      default:
        assertNever(message);
    }
  }

  async #open(asked: Extract<ToWriter, { type: "open" }>): Promise<void> {
    const { run, module } = asked;
    try {
      const handles = module === null ? [] : await this.#tools.messages(module);
      const session = await this.#openSession(asked, handles);
      if (session === undefined) return;
      const recorder = new Recorder(session.history, Mask.of(run.secrets, process.env));
      this.#life = { state: "open", session, recorder };
      const { started, otherCode, beganAt } = session;
      if (started.resumed) {
        for (const page of session.history.restoredTasks()) {
          this.#tools.post({ type: "restored", tasks: JSON.stringify(page) });
        }
      }
      this.#tools.post({ type: "opened", started, otherCode, beganAt });
      this.#wake();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Undefined when the run that was waited for has done it all. */
  async #openSession(
    { options, run: request, givenUp }: Extract<ToWriter, { type: "open" }>,
    handles: readonly MessageHandle<never>[],
  ): Promise<Session | undefined> {
    const flag = SharedFlag.from(givenUp);
    const isGivenUp = (): boolean => flag.isSet;
    const tools = { say: this.#say, isGivenUp, ...(this.#tools.clock ?? sleepingClock) };
    const patience = new Patience(options.db, tools);
    for (;;) {
      try {
        return await this.#untilFree(new Wait(options.db, tools), () =>
          Session.open(options, request, handles, this.#tools.wall(), patience),
        );
      } catch (thrown) {
        if (!(thrown instanceof RunAliveError) || !request.wait) throw thrown;
        await this.#waitFor(thrown.run, options.db);
        const summary = await this.#untilFree(new Wait(options.db, tools), () =>
          endedSummary(options.db, thrown.run.id),
        );
        if (summary?.status !== "done") continue;
        this.#life = { state: "closed" };
        this.#tools.post({ type: "done-elsewhere", summary });
        return undefined;
      }
    }
  }

  /** Runs `step` until no lock is in its way. In between, the thread hears what main has to say. */
  async #untilFree<Result>(wait: Wait, step: () => Result): Promise<Result> {
    for (;;) {
      try {
        const result = step();
        wait.over();
        return result;
      } catch (thrown) {
        if (!isLockedAtOpen(thrown)) throw thrown;
        wait.goesOn();
        await this.#pause(lockLookMs);
      }
    }
  }

  readonly #say = (level: LogLevel, line: string): void =>
    this.#tools.post({ type: "output", level, line });

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#tools.after(ms, resolve));
  }

  async #waitFor(run: LiveRun, db: string): Promise<void> {
    const pid = run.pid === null ? "" : ` (pid ${run.pid})`;
    this.#say(
      "info",
      `run ${run.id} of "${run.pipeline}" is going on in ${db}${pid}; waiting for its end`,
    );
    while (isRunAlive(db, run)) await this.#pause(aliveLookMs);
  }

  #postResults(ids: readonly TaskId[]): void {
    // Main asks only once it has heard `opened`.
    if (this.#life.state !== "open") return;
    try {
      for (const results of this.#life.session.history.storedResults(ids)) {
        this.#tools.post({ type: "results", results });
      }
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #attach(workerId: WorkerId, port: MessagePort, memory: WorkerMemory): void {
    const worker: Worker = {
      workerId,
      port,
      memory,
      received: 0,
      expected: undefined,
      credits: 0,
      checkpoints: [],
      partsTaken: false,
    };
    this.#workers.set(workerId, worker);
    this.#inbox.open(workerId);
    port.onmessage = (event) => {
      worker.received++;
      this.#inbox.push(workerId, event.data as string);
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
    if (this.#life.state !== "open") return;
    try {
      this.#work(this.#life);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #work(open: Open): void {
    this.#openedAt ??= this.#tools.now();
    for (;;) {
      const awaited = this.#isAwaited;
      const decision = this.#isGroupFull(open)
        ? "commit"
        : decide({
            records: this.#records,
            ageMs: this.#tools.now() - this.#openedAt,
            inboxEmpty: !this.#hasWork,
            awaited,
          });
      if (decision === "take-more" && this.#mayAnnounce) {
        this.#takeOne(open);
        continue;
      }
      if (this.#owner !== undefined) {
        // A unit is not torn apart: the rest of it is on its way, or its Worker is gone.
        if (this.#inbox.has(this.#owner.workerId)) this.#takeOne(open);
        else if (!this.#abandonUnit(open, this.#owner)) return this.#returnParts();
        continue;
      }
      if (decision === "wait" && this.#closeAsked === undefined) {
        return this.#lookAgain(this.#hasEnds || awaited ? endsLookMs : idleLookMs);
      }
      break;
    }
    this.#commitGroup(open);
    this.#detachLost();
    if (this.#hasWork && this.#mayAnnounce) this.#wake();
    else if (this.#closeAsked !== undefined && !this.#hasWork) this.#close(open, this.#closeAsked);
  }

  /** A group that is to be applied again, if it must be, is bounded; see also `commitsUnitsAlone`. */
  #isGroupFull({ session }: Open): boolean {
    return this.#group.isFull || (session.commitsUnitsAlone && this.#group.units > 0);
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
   * The end of a task is awaited by what depends on it and by whoever has nothing else to do: while every slot is busy
   * and may send, no slot would be used any better. A stream of ends is awaited by main, which limits what is in flight.
   */
  get #isAwaited(): boolean {
    if (this.#awaited || this.#total !== undefined || this.#hasLost) return true;
    // Rows are applied as they come, and another process may wait for the lock.
    if (this.#life.state === "open" && this.#life.session.db.inTransaction) return true;
    const isStream = this.#records >= commitLimits.streamRecords;
    for (const { memory } of this.#workers.values()) {
      if (memory.credits.outstanding() > maxCredits / 2) return true;
      if (this.#hasEnds && (isStream || !memory.runningIds.isBusy)) return true;
    }
    return false;
  }

  /** A thread is gone, and main waits to hear that all it sent is committed. */
  get #hasLost(): boolean {
    for (const { expected } of this.#workers.values()) if (expected !== undefined) return true;
    return false;
  }

  /** While a unit is under way, the posts of other Workers wait for its end. */
  get #hasWork(): boolean {
    if (this.#fromMain.length > 0) return true;
    return this.#owner === undefined ? !this.#inbox.isEmpty : this.#inbox.has(this.#owner.workerId);
  }

  /** Main's first: what it says of a task (that it waits) was so before any Worker began it. */
  #takeOne(open: Open): void {
    if (this.#fromMain.length > 0) return this.#takeMain(open);
    const next = this.#inbox.shift(this.#owner?.workerId);
    if (next === undefined) return;
    const worker = this.#workers.get(next.workerId);
    if (worker === undefined) return;
    if (next.post.startsWith(unitItemMark)) this.#takePart(open, worker, next.post);
    else this.#takeRecords(open, worker, next.post);
  }

  #takeMain(open: Open): void {
    const records = this.#fromMain;
    this.#fromMain = [];
    this.#records += records.length;
    this.#awaited = true;
    this.#group.main(records);
    this.#recordMain(open, records);
  }

  #takePart(open: Open, worker: Worker, post: string): void {
    worker.memory.credits.giveBack(creditsOf(post.length));
    worker.partsTaken = true;
    this.#group.part(worker, post);
    try {
      this.#applyPart(open, worker, post);
    } catch (thrown) {
      if (!(thrown instanceof TransactionLostError)) throw thrown;
      // The units before it are whole, and it goes on as the first of a transaction.
      this.#applyAgain(open, thrown);
    }
  }

  #takeRecords(open: Open, worker: Worker, post: string): void {
    worker.credits += creditsOf(post.length);
    this.#records += this.#applyRecords(open, worker, post);
    this.#group.records(worker, post);
  }

  // ── applied, for the first time or again ──

  #recordMain({ recorder }: Open, records: readonly MainRecord[]): void {
    for (const record of records) {
      if (record.type === "finished") this.#attempts.end(record.id, record.attempt);
      recorder.main(record);
    }
  }

  #applyPart({ session }: Open, worker: Worker, post: string): void {
    this.#owner = worker;
    session.unit.part(post);
  }

  /**
   * @param refused why the unit that these records end cannot be stored, where that is known already
   * @returns how many records there were
   */
  #applyRecords(open: Open, worker: Worker, post: string, refused?: Failure): number {
    if (post.startsWith(completionsMark)) return this.#recordDone(open, post);
    const records = JSON.parse(post) as TaskRecord[];
    const failure =
      refused ?? (this.#owner === worker ? this.#endUnit(open, records[0]) : undefined);
    for (const record of records) this.#recordTask(open, worker, record, failure);
    return records.length;
  }

  #recordDone({ recorder }: Open, post: string): number {
    this.#hasEnds = true;
    return unpackCompletions(post, (task) => {
      if (this.#attempts.end(task.id, task.attempt)) recorder.done(task);
    });
  }

  /** Keeps the unit if its attempt runs, or says why it could not be applied. */
  #endUnit({ session }: Open, end: TaskRecord | undefined): Failure | undefined {
    if (end === undefined || !endsUnit(end)) {
      throw new Error(`Internal error: a unit that ends with ${end?.type ?? "nothing"}`);
    }
    this.#owner = undefined;
    this.#group.unitEnded();
    if (this.#attempts.isRunning(end.id, end.attempt)) return session.unit.end();
    session.unit.abandon();
    return notRunning(end.attempt);
  }

  /** @param failure why the unit that ends with this record could not be applied */
  #recordTask(
    { recorder }: Open,
    worker: Worker,
    record: TaskRecord,
    failure: Failure | undefined,
  ): void {
    switch (record.type) {
      case "started":
        this.#attempts.start(record.id, record.attempt);
        break;
      case "checkpoint":
        if (!this.#takeCheckpoint(worker, record, failure)) return;
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
    recorder.task(record, failure);
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
  #abandonUnit({ session }: Open, owner: Worker): boolean {
    if (owner.expected === undefined || owner.received < owner.expected) return false;
    session.unit.abandon();
    this.#group.unitAbandoned();
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

  // ── the commit ──

  #commitGroup(open: Open): void {
    try {
      this.#commit(open);
    } catch (thrown) {
      if (!isConstraint(thrown)) throw thrown;
      this.#applyAgain(open, thrown);
    }
    this.#group.take();
    this.#records = 0;
    this.#awaited = false;
    this.#hasEnds = false;
    this.#openedAt = undefined;
  }

  /** Commits what is applied, and only then tells it. */
  #commit({ session, recorder }: Open): void {
    const total = this.#total;
    if (total !== undefined) session.history.setTotal(total.total);
    session.commit();
    this.#attempts.keep();
    this.#total = undefined;
    const events = recorder.takeEvents();
    if (total !== undefined) events.push({ type: "run-total", ...total });
    this.#acknowledge();
    if (events.length > 0) this.#announce(events);
  }

  /**
   * The transaction cannot be committed, or a unit has ended it. Its units are applied again, each in a transaction of its
   * own, so that only the one whose fault it is fails. A unit that has not ended stays open, as the first of a new group.
   *
   * @param cause what speaks against the only unit, where its parts are not kept
   */
  #applyAgain(open: Open, cause: unknown): void {
    this.#forget(open);
    this.#owner = undefined;
    let failure: Failure | undefined;
    for (const taken of this.#group.take()) {
      switch (taken.type) {
        case "main":
          this.#recordMain(open, taken.records);
          break;
        case "dropped parts":
          this.#commit(open);
          this.#owner = taken.from;
          failure = refusedAtCommit(cause);
          break;
        case "part":
          if (this.#owner === undefined) this.#commit(open);
          this.#group.part(taken.from, taken.post);
          this.#applyPart(open, taken.from, taken.post);
          break;
        case "records":
          if (this.#owner === taken.from) this.#commitUnit(open, taken.from, taken.post, failure);
          else this.#applyRecords(open, taken.from, taken.post);
          failure = undefined;
          break;
        default:
          assertNever(taken);
      }
    }
    if (this.#owner === undefined) this.#commit(open);
  }

  /**
   * The unit's parts are applied, and these records end it.
   * @param refused why it cannot be stored, where its parts are not kept
   */
  #commitUnit(open: Open, worker: Worker, post: string, refused: Failure | undefined): void {
    this.#applyRecords(open, worker, post, refused);
    this.#owner = undefined;
    this.#group.take();
    try {
      this.#commit(open);
    } catch (thrown) {
      // What is left without the unit is pipeloom's own, and fits.
      if (refused !== undefined || !isConstraint(thrown)) throw thrown;
      this.#forget(open);
      this.#applyRecords(open, worker, post, refusedAtCommit(thrown));
      this.#commit(open);
    }
  }

  /** What is applied and not committed has never been. */
  #forget({ session, recorder }: Open): void {
    session.rollBack();
    recorder.takeEvents();
    this.#attempts.revert();
    for (const worker of this.#workers.values()) worker.checkpoints = [];
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
      const { credits, checkpoints, partsTaken } = worker;
      if (credits === 0 && checkpoints.length === 0 && !partsTaken) continue;
      worker.memory.credits.giveBack(credits);
      const ack: Ack = checkpoints.length === 0 ? { type: "ack" } : { type: "ack", checkpoints };
      worker.port.postMessage(ack);
      worker.credits = 0;
      worker.checkpoints = [];
      worker.partsTaken = false;
    }
  }

  #detachLost(): void {
    for (const [workerId, worker] of this.#workers) {
      if (worker.expected === undefined || worker.received < worker.expected) continue;
      if (this.#inbox.has(workerId)) continue;
      worker.port.close();
      this.#workers.delete(workerId);
      this.#inbox.close(workerId);
      this.#tools.post({ type: "detached", workerId });
    }
  }

  // ── the end ──

  #close(open: Open, { status, failure }: Extract<ToWriter, { type: "close" }>): void {
    this.#life = { ...open, state: "closing" };
    for (const worker of this.#workers.values()) worker.port.close();
    const { finished, untidy } = open.session.close({ status, failure, at: this.#tools.wall() });
    this.#life = { state: "closed" };
    if (untidy !== undefined) {
      const why = toFailure(untidy).message;
      this.#say("warn", `everything is committed, but the database was not tidied up: ${why}`);
    }
    this.#tools.post({ type: "closed", finished });
  }

  /** @param file the pipeline's: code of it runs here, and this is of its */
  uncaught(thrown: unknown, file: string): void {
    const life = this.#life;
    const session = life.state === "open" || life.state === "closing" ? life.session : undefined;
    const error = session?.messages.leftBehind(thrown, file);
    if (error === undefined) this.#say("error", thrownAt(thrown, file));
    else this.#fail(error);
  }

  /** Nothing more will be committed. The run's row keeps `running`: the next run finds it and continues. */
  #fail(thrown: unknown): void {
    const life = this.#life;
    if (life.state === "closed" || life.state === "failed") return;
    this.#life = { state: "failed" };
    const session = life.state === "opening" ? undefined : life.session;
    const failure = toFailure(session?.explain(thrown) ?? thrown);
    session?.abort();
    this.#tools.post({ type: "failed", failure });
  }
}

type Checkpoint = Extract<TaskRecord, { type: "checkpoint" }>;
type Finished = Extract<TaskRecord, { type: "finished" }>;

/** What is sent before the failure of a task stays in its Worker. */
const endsUnit = (record: TaskRecord): record is Checkpoint | Finished =>
  record.type === "checkpoint" || (record.type === "finished" && record.outcome.status === "done");
