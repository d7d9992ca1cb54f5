// One worker: receives the messages of the main thread and of the writer, and answers them. Its parts: slots run tasks,
// crashes handle what user code does outside of its promises, the record sender talks to the writer.

import type { QueryParam } from "../api/context.ts";
import type { Clock } from "../base/clock.ts";
import { toFailure } from "../base/failure.ts";
import { parseFrozen } from "../base/json.ts";
import { assertNever } from "../base/unreachable.ts";
import { unpackAssignments } from "../protocol/codec/assignments.ts";
import { Mask } from "../protocol/mask.ts";
import type { FromWorker, RunInfo, ToWorker, WorkerBoot } from "../protocol/messages.ts";
import type { Ack } from "../protocol/writer-records.ts";
import { Programs } from "../protocol/shared/programs.ts";
import { WorkerMemory } from "../protocol/shared/worker-memory.ts";
import type { AttemptDeps } from "./attempt.ts";
import { CpuMeter } from "./cpu-meter.ts";
import { Crashes } from "./crashes.ts";
import type { ProgramReaper } from "./programs/program-reaper.ts";
import { Labels } from "./labels.ts";
import { programRunner } from "./programs/run-program.ts";
import { RecordSender } from "./record-sender.ts";
import { Slots } from "./slots.ts";
import { AttemptContext } from "./task-context.ts";
import type { ThreadGlobals } from "./thread-globals.ts";
import { UnitSender } from "./unit-sender.ts";

/** What `ctx.query` reads: the file `db`, or what `queries` leads to. */
type QueriedDatabase = Pick<WorkerBoot, "db" | "queries">;

/** What the entry of the thread gives the host: functions of rooms that the worker may not import. */
type HostDeps = {
  post(message: FromWorker): void;
  load(boot: WorkerBoot): Promise<void>;
  /** Closes the database that `query` has opened. Later queries are refused. */
  closeReader(): void;
  query(from: QueriedDatabase, sql: string, params: readonly QueryParam[]): unknown[];
  exit(code: number): never;
  readonly globals: ThreadGlobals;
  readonly clock: Clock;
  /** CPU time of this thread, ms; undefined where the platform does not tell. */
  readonly cpuMs: (() => number) | undefined;
};

/** A host after its `boot` message. It is ready when the module is loaded and the run has begun, in either order. */
type Booted = {
  readonly boot: WorkerBoot;
  readonly clock: Clock;
  readonly mask: Mask | undefined;
  readonly sender: RecordSender;
  readonly units: UnitSender;
  readonly slots: Slots;
  readonly crashes: Crashes;
  isLoaded: boolean;
  run: RunInfo | undefined;
};

export class Host {
  readonly #deps: HostDeps;
  #state: Booted | undefined;

  constructor(deps: HostDeps) {
    this.#deps = deps;
  }

  /** Whether the code that runs belongs to a task. */
  get isInTask(): boolean {
    return this.#state?.slots.current !== undefined;
  }

  receive(message: ToWorker): void {
    switch (message.type) {
      case "boot":
        void this.#boot(message);
        return;
      case "begin":
        this.#booted.run = message.run;
        this.#readyIfComplete(this.#booted);
        return;
      case "assign":
        this.#booted.slots.assign({
          number: message.batch,
          at: message.at,
          tasks: unpackAssignments(message.tasks),
        });
        return;
      case "cancel":
        this.#booted.slots.cancel(message.ids, message.reason);
        return;
      case "close-reader":
        this.#deps.closeReader();
        this.#post(this.#booted, { type: "reader-closed", workerId: this.#booted.boot.workerId });
        return;
      default:
        assertNever(message);
    }
  }

  get #booted(): Booted {
    if (this.#state !== undefined) return this.#state;
    throw new Error("Internal error: a worker got another message before `boot`");
  }

  async #boot(boot: WorkerBoot): Promise<void> {
    const booted = this.#assemble(boot);
    this.#state = booted;
    const { workerId } = boot;
    const reaper = lazyReaper(Programs.from(boot.programs));
    this.#deps.globals.onProgram(
      programRunner({
        reaper,
        workerId,
        write: (ctx, stream, text) => AttemptContext.attemptOf(ctx).log.write(stream, text),
        used: (ctx, cpuMs) => AttemptContext.attemptOf(ctx).cpu?.program(cpuMs),
      }),
    );
    boot.port.onmessage = (event) => acknowledged(booted, event.data as Ack);
    try {
      await this.#deps.load(boot);
    } catch (error) {
      this.#post(booted, { type: "broken", workerId, failure: toFailure(error) });
      return;
    }
    booted.crashes.loaded();
    booted.isLoaded = true;
    this.#readyIfComplete(booted);
  }

  #assemble(boot: WorkerBoot): Booted {
    const { globals } = this.#deps;
    const clock = clockOf(this.#deps.clock, boot);
    const { workerId } = boot;
    const memory = WorkerMemory.from(boot.memory);
    const mask = Mask.of(boot.secrets, process.env);
    const post = (message: FromWorker): void => this.#post({ mask }, message);
    const sender = new RecordSender(boot.port, memory.credits, mask, clock);
    const units = new UnitSender(sender);
    const slots = new Slots(boot.slots, {
      clock,
      cpu: new CpuMeter(this.#deps.cpuMs),
      memory,
      sender,
      report: ({ count, exhausted, busyMs }) =>
        post({ type: "free", workerId, count, exhausted, busyMs }),
    });
    const crashes = new Crashes({
      slots,
      globals,
      mask,
      output: (level, line) => post({ type: "output", level, line }),
      exit: (code) => {
        sender.flush();
        return this.#deps.exit(code);
      },
    });
    return { boot, clock, mask, sender, units, slots, crashes, isLoaded: false, run: undefined };
  }

  #readyIfComplete(booted: Booted): void {
    if (!booted.isLoaded || booted.run === undefined) return;
    booted.slots.open(this.#attemptDeps(booted, booted.run));
    this.#post(booted, { type: "ready", workerId: booted.boot.workerId });
  }

  #attemptDeps({ boot, clock, mask, sender, units, crashes }: Booted, run: RunInfo): AttemptDeps {
    const say = (task: string, line: string): void =>
      this.#post({ mask }, { type: "no-label", task, line });
    return {
      sender,
      units,
      mask,
      maxInput: boot.maxInput,
      labels: new Labels({ clock, mask, say }),
      clock,
      failedIn: crashes.failedIn,
      run,
      maxLogLines: run.maxLogLines,
      hasOwnTables: run.hasOwnTables,
      params: parseFrozen(run.params) as AttemptDeps["params"],
      query: (sql, params) => this.#deps.query(boot, sql, params),
    };
  }

  /** Every message to the main thread passes here. */
  #post({ mask }: Pick<Booted, "mask">, message: FromWorker): void {
    this.#deps.post(mask === undefined ? message : mask.data(message));
  }
}

/** Most workers start no program, and do not load what reaps them. */
function lazyReaper(programs: Programs): () => Promise<ProgramReaper> {
  let reaper: Promise<ProgramReaper> | undefined;
  return () => {
    reaper ??= import("./programs/program-reaper.ts").then(
      ({ ProgramReaper }) => new ProgramReaper(programs),
    );
    return reaper;
  };
}

/** The writer has committed: there is room again. */
function acknowledged({ units, sender, slots }: Booted, ack: Ack): void {
  units.acknowledged(ack);
  sender.wake();
  slots.fill();
}

/** With the wall clock of the run, which may be on another machine. */
const clockOf = (clock: Clock, { clockAheadMs = 0 }: WorkerBoot): Clock =>
  clockAheadMs === 0 ? clock : { ...clock, wall: () => clock.wall() - clockAheadMs };
