// The task Worker: takes assignments, keeps its slots busy, reports what is free.

import { AsyncLocalStorage } from "node:async_hooks";

import { parseFrozen } from "../base/json.ts";
import type { QueryParam, TaskContext } from "../api/context.ts";
import { registry } from "../api/registry.ts";
import { WorkerMemory } from "../protocol/shared/worker-memory.ts";
import { toFailure } from "../base/failure.ts";
import type {
  Assignment,
  FromWorker,
  RunInfo,
  ToWorker,
  WorkerBoot,
} from "../protocol/messages.ts";
import type { Ack } from "../protocol/records.ts";
import type { LogLevel } from "../protocol/status.ts";
import { Programs } from "../protocol/shared/programs.ts";
import { unpackAssignments } from "../protocol/codec/assignments.ts";
import { assertNever } from "../base/unreachable.ts";
import { Attempt, type Shared, Turn } from "./attempt.ts";
import type { Clock } from "../base/clock.ts";
import { execute, failureOutcome } from "./execute.ts";
import { LineBuffer, linesOf } from "../base/line-buffer.ts";
import { Mask } from "../protocol/mask.ts";
import { programRunner } from "./programs/run-program.ts";
import { RecordSender } from "./record-sender.ts";
import { thrownText, withoutOwnFrames } from "../base/stack.ts";
import type { ThreadGlobals } from "./thread-globals.ts";

/** What the thread's entry gives the host: the rooms it may not import itself. */
export type HostTools = {
  post(message: FromWorker): void;
  load(boot: WorkerBoot): Promise<void>;
  /** What `query` has opened; it opens nothing again. */
  closeReader(): void;
  query(db: string | null, sql: string, params: readonly QueryParam[]): unknown[];
  exit(code: number): never;
  readonly globals: ThreadGlobals;
  readonly clock: Clock;
};

/** Below this, a task's start is worth no message of its own: its end will be there before anyone looks. */
const shortMs = 20;
/** How long a thread that runs short tasks keeps from the event loop, where cancels and acks arrive. */
const sliceMs = 10;
/** Of a chain of causes. */
/** Tasks that a message names. */
const maxNamed = 5;
const maxCauses = 8;

type Batch = { readonly number: number; readonly tasks: readonly Assignment[] };

export class Host {
  readonly #tools: HostTools;
  #boot: WorkerBoot | undefined;
  #memory: WorkerMemory | undefined;
  #sender: RecordSender | undefined;
  #shared: Shared | undefined;
  readonly #batches: Batch[] = [];
  readonly #running = new Map<number, Attempt>();
  readonly #idleSlots: number[] = [];
  /** Given up on while their function ran: what they still do must not be put down to another task. */
  readonly #strays = new Set<Attempt>();
  readonly #context = new AsyncLocalStorage<Attempt>();
  readonly #failedIn = new WeakMap<object, Attempt>();
  readonly #averageMs = new Map<string, number>();
  #finished = 0;
  #busyMs = 0;
  #exhausted = 0;
  #reportSoon = false;
  #isLoaded = false;
  #mask: Mask | undefined;

  constructor(tools: HostTools) {
    this.#tools = tools;
  }

  receive(message: ToWorker): void {
    switch (message.type) {
      case "boot":
        void this.#start(message);
        return;
      case "begin":
        if (this.#boot !== undefined && this.#sender !== undefined) {
          this.#begin(this.#boot, this.#sender, message.run);
        }
        return;
      case "assign":
        this.#batches.push({
          number: message.batch,
          tasks: unpackAssignments(message.tasks),
        });
        this.#fill();
        return;
      case "cancel":
        for (const attempt of this.#running.values()) {
          if (message.ids === "all" || message.ids.includes(attempt.id))
            attempt.stop(message.reason);
        }
        return;
      case "stop":
        this.#tools.closeReader();
        if (this.#boot !== undefined)
          this.#post({ type: "stopped", workerId: this.#boot.workerId });
        return;
      default:
        assertNever(message);
    }
  }

  async #start(boot: WorkerBoot): Promise<void> {
    this.#boot = boot;
    const memory = WorkerMemory.from(boot.memory);
    this.#memory = memory;
    this.#mask = Mask.of(boot.secrets, process.env);
    const sender = new RecordSender(boot.port, memory.credits, this.#mask, this.#tools.clock);
    this.#sender = sender;
    this.#capture();
    this.#watchCrashes();
    const programs = Programs.from(boot.programs);
    this.#tools.globals.onProgram(
      programRunner({
        enter: () => programs.enter(boot.workerId),
        write: (ctx, stream, text) => programAttempt(ctx).write(stream, text),
      }),
    );
    boot.port.onmessage = (event) => this.#acknowledged(event.data as Ack);
    for (let slot = boot.slots - 1; slot >= 0; slot--) this.#idleSlots.push(slot);
    try {
      await this.#tools.load(boot);
    } catch (error) {
      this.#post({ type: "broken", workerId: boot.workerId, failure: toFailure(error) });
      return;
    }
    this.#isLoaded = true;
    this.#readyIfSo(boot);
  }

  #begin(boot: WorkerBoot, sender: RecordSender, run: RunInfo): void {
    this.#shared = {
      sender,
      mask: this.#mask,
      clock: this.#tools.clock,
      failedIn: this.#failedIn,
      run: Object.freeze({ id: run.id, pipeline: run.pipeline }),
      params: parseFrozen(run.params) as Shared["params"],
      query: (sql, params) => this.#tools.query(boot.db, sql, params),
      unitMutex: new Turn(),
      checkpoints: new Map(),
      nextCheckpoint: 1,
    };
    this.#readyIfSo(boot);
  }

  #readyIfSo({ workerId }: WorkerBoot): void {
    if (this.#isLoaded && this.#shared !== undefined) this.#post({ type: "ready", workerId });
  }

  #acknowledged(ack: Ack): void {
    for (const { seq, failure } of ack.checkpoints ?? []) {
      this.#shared?.checkpoints.get(seq)?.(failure);
      this.#shared?.checkpoints.delete(seq);
    }
    this.#sender?.wake();
    this.#fill();
  }

  // ── slots ──

  /** Starts tasks while a slot is idle, a task is left and the writer keeps up. */
  #fill(): void {
    const sender = this.#sender;
    if (this.#shared === undefined || sender === undefined || !this.#isLoaded) return;
    const { clock } = this.#tools;
    const until = clock.now() + sliceMs;
    while (this.#idleSlots.length > 0 && sender.hasRoom) {
      const assignment = this.#claim();
      if (assignment === undefined) break;
      this.#run(assignment, this.#shared);
      if (clock.now() > until) {
        clock.soon(() => this.#fill());
        break;
      }
    }
    this.#reportFree();
  }

  #claim(): Assignment | undefined {
    for (let batch = this.#batches[0]; batch !== undefined; batch = this.#batches[0]) {
      const index = this.#memory?.claims.claim(batch.number) ?? -1;
      if (index >= 0) return batch.tasks[index];
      this.#batches.shift();
      this.#exhausted = batch.number;
      this.#reportSoon = true;
    }
    return undefined;
  }

  #run(assignment: Assignment, shared: Shared): void {
    const slot = this.#idleSlots.pop();
    if (slot === undefined) throw new Error("Internal error: a task without an idle slot");
    const began = this.#tools.clock.now();
    const attempt = new Attempt(assignment, began, shared);
    this.#memory?.runningIds.set(slot, assignment.id);
    this.#running.set(slot, attempt);
    const average = this.#averageMs.get(assignment.task);
    const isLong = average === undefined || average > shortMs || assignment.timeoutMs !== undefined;
    shared.sender.started(attempt, isLong && shared.sender.hasRoom);
    attempt.startTimer();
    const definition = registry.tasks.get(assignment.task);
    const end = this.#context.run(attempt, execute, attempt, definition);
    if (end === undefined) this.#ended(slot, assignment, began);
    else void end.then(() => this.#endedLater(slot, attempt, began));
  }

  #endedLater(slot: number, attempt: Attempt, began: number): void {
    if (!attempt.hasReturned) {
      this.#strays.add(attempt);
      attempt.onReturned = () => this.#strays.delete(attempt);
    }
    this.#ended(slot, attempt.assignment, began);
    this.#fill();
  }

  #ended(slot: number, assignment: Assignment, began: number): void {
    const took = this.#tools.clock.now() - began;
    this.#memory?.runningIds.clear(slot);
    this.#running.delete(slot);
    this.#idleSlots.push(slot);
    this.#finished++;
    this.#busyMs += took;
    const before = this.#averageMs.get(assignment.task) ?? took;
    this.#averageMs.set(assignment.task, before * 0.75 + took * 0.25);
  }

  /** Once for all that ended in this turn. */
  #reportFree(): void {
    if (this.#boot === undefined || (this.#finished === 0 && !this.#reportSoon)) return;
    this.#post({
      type: "free",
      workerId: this.#boot.workerId,
      count: this.#finished,
      exhausted: this.#exhausted,
      busyMs: this.#busyMs,
    });
    this.#finished = 0;
    this.#busyMs = 0;
    this.#reportSoon = false;
  }

  // ── prints and crashes ──

  /** What a callback prints that was set up outside of any task is the only task's, if there is only one. */
  get #printer(): Attempt | undefined {
    return this.#context.getStore() ?? (this.#boot?.slots === 1 ? this.#onlyRunning() : undefined);
  }

  #capture(): void {
    // While it loads, the module says in each thread what it has said in the main thread: once is enough.
    const output = (level: LogLevel, line: string): void =>
      this.#post({
        type: "output",
        level: this.#isLoaded ? level : "debug",
        line,
      });
    const stray = {
      stdout: new LineBuffer((line) => output("info", line), this.#mask),
      stderr: new LineBuffer((line) => output("warn", line), this.#mask),
    };
    this.#tools.globals.capturePrints({
      print: (level, text) => {
        const attempt = this.#printer;
        if (attempt === undefined) for (const line of linesOf(text)) output(level, line);
        else attempt.print(level, text);
      },
      write: (stream, text) => {
        const attempt = this.#printer;
        if (attempt === undefined) stray[stream].write(text);
        else attempt.write(stream, text);
      },
    });
  }

  /**
   * What nobody caught fails the task it came from, if that can be told: the async context says which, or the error is one
   * that a call of it has failed with, or there is only one. The thread goes on.
   */
  #watchCrashes(): void {
    const uncaught = (thrown: unknown): void => {
      const attempt = this.#context.getStore() ?? this.#failedWith(thrown) ?? this.#onlyRunning();
      if (attempt !== undefined) return attempt.crash(thrown);
      const line = `${this.#whoseIsUnknown()}${thrownText(thrown)}`;
      this.#post({ type: "output", level: "error", line });
    };
    this.#tools.globals.onUncaught(uncaught);
    this.#tools.globals.onExit((code) => this.#exitedByTask(code));
  }

  /** The runtime hands over a rejection without its async context. */
  #whoseIsUnknown(): string {
    if (this.#running.size < 2) return "";
    const running = Array.from(
      this.#running.values(),
      ({ assignment: { name, id } }) => `${name} #${id}`,
    );
    const more = running.length > maxNamed ? ", …" : "";
    return `not caught, by one of the tasks that share this thread (${running.slice(0, maxNamed).join(", ")}${more}), and it cannot be told which, so none fails: `;
  }

  /** Authors wrap errors: the one that a call has failed with may be the cause. */
  #failedWith(thrown: unknown): Attempt | undefined {
    try {
      let error: unknown = thrown;
      for (let depth = 0; depth < maxCauses && error instanceof Error; depth++) {
        const attempt = this.#failedIn.get(error);
        if (attempt !== undefined) return attempt;
        error = error.cause;
      }
    } catch {
      // A getter of the author's. Then the error says nothing.
    }
    return undefined;
  }

  #onlyRunning(): Attempt | undefined {
    if (this.#running.size !== 1 || this.#strays.size > 0) return undefined;
    const [only] = this.#running.values();
    return only;
  }

  /** `process.exit` in user code: its task has failed, and the thread does end. */
  #exitedByTask(code: number): never {
    const attempt = this.#printer ?? this.#onlyRunning();
    if (attempt?.isEnded === true) throw attempt.refuse(`process.exit(${code})`);
    if (attempt !== undefined) {
      const failure = withoutOwnFrames(
        toFailure(new Error(`the task called process.exit(${code})`)),
      );
      const definition = registry.tasks.get(attempt.assignment.task);
      const at = attempt.now();
      void attempt.finish(
        at,
        failureOutcome(attempt, definition, at, { ...failure, name: "WorkerExit" }),
      );
    }
    this.#sender?.flush();
    return this.#tools.exit(code);
  }

  /** All that main hears passes here. */
  #post(message: FromWorker): void {
    this.#tools.post(this.#mask === undefined ? message : this.#mask.data(message));
  }
}

function programAttempt(ctx: TaskContext): Attempt {
  if (ctx instanceof Attempt) return ctx;
  throw new Error("Internal error: a program's task context is not an attempt of this thread");
}
