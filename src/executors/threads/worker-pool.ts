// The pool of task Workers: keeps each supplied, takes back what waits behind a long task when another is idle, and
// replaces what is lost. It knows assignments, not the graph.

import { systemClock, type Timer } from "../../base/clock.ts";
import { channels, Promise } from "../../base/globals.ts";
import { signalGroup } from "../../base/process-group.ts";
import { maxBatches, maxBatchSize } from "../../protocol/shared/claims.ts";
import { WorkerMemory } from "../../protocol/shared/worker-memory.ts";
import type { Failure } from "../../base/failure.ts";
import { type WorkerId, workerId as asWorkerId, type TaskId } from "../../protocol/ids.ts";
import type { Assignment, FromWorker, RunInfo, ToWorker } from "../../protocol/messages.ts";
import { packAssignments } from "../../protocol/codec/assignments.ts";
import { assertNever } from "../../base/unreachable.ts";
import type {
  CreateExecutors,
  Executors,
  ExecutorsEvents,
  ExecutorsOptions,
} from "../executors.ts";

/** One thread as the pool sees it; a test gives its own. */
export interface WorkerThread {
  postMessage(message: ToWorker, transfer: MessagePort[]): void;
  terminate(): void;
  onmessage: ((event: MessageEvent) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  addEventListener(type: "close", listener: (event: CloseEvent) => void): void;
}

type Batch = { readonly number: number; tasks: Assignment[] };

type Member = {
  readonly workerId: WorkerId;
  readonly thread: WorkerThread;
  readonly memory: WorkerMemory;
  readonly slots: number;
  ready: boolean;
  /** Assigned and not free yet. */
  outstanding: number;
  batches: Batch[];
  nextBatch: number;
  /** How long its tasks take, in ms, smoothed; undefined until the first is over. */
  averageMs: number | undefined;
  /** Why it was ended on purpose. */
  endedBecause: Failure | undefined;
};

/** How long the threads may take to let go of the database at the end. */
const stopWaitMs = 1_000;
/** A thread in a blocking system call ends when that returns. Nobody waits longer than this for it. */
const closeWaitMs = 100;
/** Threads that end by themselves while nothing runs in them are replaced after this, doubled each time in a row. */
const idleDeathDelayMs = 100;
const maxIdleDeaths = 8;

/** What a Worker holds ahead is worth about this much of its time: it tells main what is free every 10 ms at most. */
const aheadMs = 25;
/** Of tasks up to this long, a few wait in the Worker for a slot: the round trip to main is a percent or more of them. */
const longMs = 200;
const fewAhead = 8;
/** Up to this, many: as much as keeps the Worker busy for a while. */
const shortMs = 2;
const mostAhead = 1000;

/** A start takes milliseconds, unless the program lies on a file system that does not answer. */
const startingMs = 1000;
const startingLookMs = 2;

export class WorkerPool implements Executors {
  readonly #spawn: () => WorkerThread;
  readonly #options: ExecutorsOptions;
  readonly #events: ExecutorsEvents;
  readonly #members = new Map<WorkerId, Member>();
  #nextWorkerId = 0;
  #stopping = false;
  /** A thread that is lost is not replaced any more. */
  #isEnding = false;
  /** Threads in a row that ended by themselves while nothing ran in them. */
  #idleDeaths = 0;
  /** Threads that have been told to let go of the database and have not said that they did. */
  readonly #holding = new Set<WorkerId>();
  readonly #haveLetGo = Promise.withResolvers<void>();
  readonly #timers = new Set<Timer>();
  #run: RunInfo | undefined;

  constructor(spawn: () => WorkerThread, options: ExecutorsOptions, events: ExecutorsEvents) {
    this.#spawn = spawn;
    this.#options = options;
    this.#events = events;
  }

  /** Starts the threads, which load the module. They get no task before `begin`. */
  start(): void {
    const { workers, concurrency } = this.#options;
    for (let i = 0; i < workers; i++) {
      this.#add(Math.floor(concurrency / workers) + (i < concurrency % workers ? 1 : 0));
    }
  }

  begin(run: RunInfo): void {
    this.#run = run;
    for (const { thread } of this.#members.values()) thread.postMessage({ type: "begin", run }, []);
  }

  /** Something has become ready, or room may have come: hands out what there is. */
  dispatch(ready: number): void {
    if (this.#stopping) return;
    const share = Math.ceil(ready / Math.max(this.#members.size, 1));
    for (const member of this.#members.values()) this.#supply(member, share);
    if (ready === 0) for (const member of this.#members.values()) this.#rebalance(member);
  }

  /** Tells all that run. Nothing more will be handed out, so no thread is replaced either. */
  cancel(): void {
    this.#isEnding = true;
    for (const { thread } of this.#members.values()) {
      thread.postMessage({ type: "cancel", ids: "all", reason: "cancelled" }, []);
    }
  }

  /** No Worker will say anything by itself: all wait for tasks, and none is about to start. */
  get isQuiet(): boolean {
    if (this.#timers.size > 0) return false;
    // A Worker says so when it has passed a batch, also one of which all was taken back.
    for (const { ready, outstanding, batches } of this.#members.values()) {
      if (!ready || outstanding > 0 || batches.length > 0) return false;
    }
    return true;
  }

  /** `running` in that Worker, as far as it says; `held`: there, and the Worker may be waiting for the writer. */
  whereIs(id: TaskId, workerId: WorkerId): "running" | "held" | "elsewhere" {
    const member = this.#members.get(workerId);
    if (member === undefined || !member.memory.runningIds.list().includes(id)) {
      return "elsewhere";
    }
    return member.memory.credits.hasRoom ? "running" : "held";
  }

  /** Takes back all that no Worker has begun. */
  takeBackAll(): TaskId[] {
    const ids: TaskId[] = [];
    for (const member of this.#members.values()) {
      for (const assignment of takeBack(member, Number.POSITIVE_INFINITY)) ids.push(assignment.id);
    }
    return ids;
  }

  /** Ends the thread now: nothing else stops what runs in it. `lost` follows. */
  kill(workerId: WorkerId, failure: Failure): void {
    const member = this.#members.get(workerId);
    if (member === undefined || member.endedBecause !== undefined) return;
    member.endedBecause = failure;
    this.#end(member);
    this.#after(closeWaitMs, () => this.#closed(member, undefined, 0));
  }

  #after(ms: number, work: () => void): void {
    const timer = systemClock.after(ms, () => {
      this.#timers.delete(timer);
      work();
      this.#events.toppedUp();
    });
    this.#timers.add(timer);
  }

  killAll(failure: Failure): void {
    for (const workerId of this.#members.keys()) this.kill(workerId, failure);
  }

  /**
   * All is done: the threads let go of the database. SQLite takes its `-wal` and `-shm` away when the last one closes it,
   * and that must be the writer. Whoever does not answer in time is ended.
   */
  async closeReaders(): Promise<void> {
    this.#isEnding = true;
    const asked = [...this.#members.values()].filter(({ ready }) => ready);
    for (const { workerId, thread } of asked) {
      this.#holding.add(workerId);
      thread.postMessage({ type: "stop" }, []);
    }
    if (this.#holding.size === 0) return;
    const late = systemClock.after(stopWaitMs, () => {
      for (const workerId of this.#holding) this.kill(workerId, notStopped);
      this.#haveLetGo.resolve();
    });
    await this.#haveLetGo.promise;
    systemClock.cancel(late);
  }

  #hasLetGo(workerId: WorkerId): void {
    if (this.#holding.delete(workerId) && this.#holding.size === 0) this.#haveLetGo.resolve();
  }

  /** The run is over: the threads are not needed any more, and nothing is told about them. */
  stop(): void {
    this.#stopping = true;
    for (const timer of this.#timers) systemClock.cancel(timer);
    this.#timers.clear();
    for (const member of this.#members.values()) this.#end(member);
    this.#members.clear();
  }

  #add(slots: number): void {
    const workerId = asWorkerId(this.#nextWorkerId++);
    const memory = WorkerMemory.create(slots);
    const thread = this.#spawn();
    const member: Member = {
      workerId,
      thread,
      memory,
      slots,
      ready: false,
      outstanding: 0,
      batches: [],
      nextBatch: 1,
      averageMs: undefined,
      endedBecause: undefined,
    };
    this.#members.set(workerId, member);
    let crash: Failure | undefined;
    thread.onmessage = (event) => this.#receive(member, event.data as FromWorker);
    thread.onerror = (event) => {
      event.preventDefault();
      crash = { name: "WorkerCrash", message: event.message };
    };
    thread.addEventListener("close", (event) => this.#closed(member, crash, event.code));
    const channel = channels.open();
    this.#events.attach({
      message: { type: "attach", workerId, port: channel.port1, memory: memory.buffer },
      transfer: [channel.port1],
    });
    const { module, sources, db, secrets, programs } = this.#options;
    thread.postMessage(
      {
        type: "boot",
        module,
        sources,
        db,
        secrets,
        workerId,
        slots,
        memory: memory.buffer,
        programs: programs.buffer,
        port: channel.port2,
      },
      [channel.port2],
    );
    if (this.#run !== undefined) thread.postMessage({ type: "begin", run: this.#run }, []);
  }

  #receive(member: Member, message: FromWorker): void {
    switch (message.type) {
      case "ready":
        member.ready = true;
        break;
      case "stopped":
        return this.#hasLetGo(member.workerId);
      case "broken":
        this.#events.broken(message.failure);
        return;
      case "output":
        this.#events.output(message.level, message.line);
        return;
      case "free": {
        member.outstanding -= message.count;
        if (message.count > 0) this.#idleDeaths = 0;
        member.batches = member.batches.filter((batch) => batch.number > message.passed);
        if (message.count > 0) {
          const took = message.busyMs / message.count;
          member.averageMs =
            member.averageMs === undefined ? took : member.averageMs * 0.5 + took * 0.5;
        }
        break;
      }
      default:
        assertNever(message);
    }
    if (this.#stopping) return;
    this.#supply(member, Number.POSITIVE_INFINITY);
    this.#rebalance(member);
    this.#events.toppedUp();
  }

  #closed(member: Member, crash: Failure | undefined, code: number): void {
    this.#endPrograms(member);
    this.#options.programs.clear(member.workerId);
    if (this.#stopping || !this.#members.delete(member.workerId)) return;
    this.#hasLetGo(member.workerId);
    const failure: Failure = member.endedBecause ??
      crash ?? { name: "WorkerExit", message: `the Worker thread ended with code ${code}` };
    if (!member.ready && member.endedBecause === undefined) {
      this.#events.broken({
        ...failure,
        message: `${failure.message}, while it loaded the pipeline's module`,
      });
      return;
    }
    const running = member.memory.runningIds.list();
    this.#events.lost({
      workerId: member.workerId,
      running,
      unbegun: new Set(takeBack(member, Number.POSITIVE_INFINITY).map(({ id }) => id)),
      // A thread that could not be waited for is in a system call: it has nothing left to post when that returns.
      sent: member.memory.credits.sent(),
      failure,
    });
    const isIdleDeath = member.endedBecause === undefined && running.length === 0;
    if (!this.#stopping && !this.#isEnding) this.#replace(member.slots, isIdleDeath, failure);
  }

  /** At once, where a task ended its thread: it pays with an attempt. What ends by itself would for ever. */
  #replace(slots: number, isIdleDeath: boolean, failure: Failure): void {
    if (!isIdleDeath) return this.#add(slots);
    this.#idleDeaths++;
    if (this.#idleDeaths > maxIdleDeaths) {
      const message = `${failure.message}, and so did ${maxIdleDeaths} others before it, while no task ran in them; something that the pipeline's module starts ends its thread`;
      return this.#events.broken({ ...failure, message });
    }
    this.#after(idleDeathDelayMs * 2 ** (this.#idleDeaths - 1), () => this.#add(slots));
  }

  /** A program that the thread is about to start would be nobody's: it is waited for. */
  #end(member: Member, until = systemClock.now() + startingMs): void {
    this.#endPrograms(member);
    if (this.#options.programs.isStarting(member.workerId) && systemClock.now() < until) {
      systemClock.after(startingLookMs, () => this.#end(member, until));
      return;
    }
    this.#endPrograms(member);
    member.thread.terminate();
  }

  /** The thread that would end them is gone, or about to be. */
  #endPrograms({ workerId }: Member): void {
    const { programs } = this.#options;
    for (const pid of programs.running(workerId)) {
      signalGroup(pid, "SIGKILL");
      programs.delete(pid);
    }
  }

  /** Tops the Worker up, when it has run half empty: small batches cost more than they give. */
  #supply(member: Member, share: number): void {
    if (!member.ready || member.batches.length >= maxBatches - 1) return;
    const ahead = aheadOf(member);
    const room = member.slots + ahead - member.outstanding;
    if (room <= 0 || room < ahead / 2) return;
    const idle = Math.max(member.slots - member.outstanding, 0);
    const most = Math.min(room, Math.max(share, idle), maxBatchSize);
    this.#assign(member, this.#events.take(member.workerId, most, idle));
  }

  /** An idle Worker gets half of what waits in the one where most does. */
  #rebalance(member: Member): void {
    const idle = member.slots - member.outstanding;
    if (!member.ready || idle <= 0 || member.batches.length >= maxBatches - 1) return;
    let richest: Member | undefined;
    let most = 0;
    for (const other of this.#members.values()) {
      const waiting = other === member ? 0 : waitingIn(other);
      if (waiting > most) {
        most = waiting;
        richest = other;
      }
    }
    if (richest === undefined) return;
    const share = Math.min(Math.ceil(most / 2), Math.max(idle, aheadOf(member)), maxBatchSize);
    const tasks = takeBack(richest, share);
    this.#events.moved(
      tasks.map((task) => task.id),
      member.workerId,
    );
    this.#assign(member, tasks);
  }

  #assign(member: Member, tasks: Assignment[]): void {
    if (tasks.length === 0) return;
    const number = member.nextBatch++;
    member.batches.push({ number, tasks });
    member.outstanding += tasks.length;
    member.memory.claims.open(number, tasks.length);
    member.thread.postMessage({ type: "assign", batch: number, tasks: packAssignments(tasks) }, []);
  }
}

/** Executors that run tasks in the threads that `spawn` starts. */
export const threadExecutors =
  (spawn: () => WorkerThread): CreateExecutors =>
  (options, events) =>
    new WorkerPool(spawn, options, events);

const notStopped: Failure = {
  name: "WorkerExit",
  message: `it did not answer for ${stopWaitMs} ms at the run's end`,
};

/** Another Worker that has nothing to do takes them back, so what is handed out early does not wait longer. */
export function aheadOf({ averageMs, slots }: Pick<Member, "averageMs" | "slots">): number {
  if (averageMs === undefined || averageMs > longMs) return 0;
  const tasks = Math.ceil(aheadMs / Math.max(averageMs, 0.001));
  if (averageMs > shortMs) return Math.min(Math.max(slots, tasks), fewAhead);
  return Math.min(tasks, mostAhead);
}

/** Tasks that its own slots have no room for: the others it will take itself when it comes to read its messages. */
function waitingIn(member: Member): number {
  const unclaimed = member.batches.reduce(
    (sum, batch) => sum + member.memory.claims.unclaimed(batch.number),
    0,
  );
  return Math.min(unclaimed, member.outstanding - member.slots);
}

function takeBack(member: Member, most: number): Assignment[] {
  const taken: Assignment[] = [];
  for (const batch of member.batches.toReversed()) {
    const count = member.memory.claims.takeBack(batch.number, most - taken.length);
    if (count === 0) continue;
    taken.unshift(...batch.tasks.splice(batch.tasks.length - count, count));
    member.outstanding -= count;
  }
  return taken;
}
