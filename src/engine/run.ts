// One run, from the plan to the summary. It decides what runs next from what has been committed; the executors run it, the
// writer keeps it. Everything here happens on the main thread, as answers to messages.

import { systemClock, type Timer } from "../base/clock.ts";
import { Date, Promise, structuredClone, JSON } from "../base/globals.ts";
import { thrownAt } from "../module/load.ts";
import { endGroups } from "../base/process-group.ts";
import type { RunStarted, TaskFinished, TaskRetrying } from "../protocol/events.ts";
import { type Failure, toFailure } from "../base/failure.ts";
import { type WorkerId, type TaskId, taskId } from "../protocol/ids.ts";
import type {
  Assignment,
  CommittedEvent,
  FromWriter,
  RestoredTask,
  MainRecord,
  RetryPolicy,
  ToWriter,
} from "../protocol/messages.ts";
import { Mask } from "../protocol/mask.ts";
import { canonicalJson } from "../base/json.ts";
import type { LogLevel, RunStatus } from "../protocol/status.ts";
import { Programs } from "../protocol/shared/programs.ts";
import type { RunSummary } from "../protocol/summary.ts";
import { taskKey } from "../protocol/task-key.ts";
import { assertNever } from "../base/unreachable.ts";
import { Alarm } from "../base/alarm.ts";
import { unpackEvents } from "./committed.ts";
import { type Control, openControl } from "./control.ts";
import { culpritsOf, none } from "./culprits.ts";
import { Graph } from "../plan/graph.ts";
import { PlanError } from "../plan/plan-error.ts";
import { resultText, type TaskVertex } from "../plan/vertex.ts";
import { callHook, HookQueue } from "./hooks.ts";
import { InFlight } from "./in-flight.ts";
import { RestoredTasks } from "./restored-tasks.ts";
import type { Executors, LostWorker } from "../executors/executors.ts";
import { planningFor } from "../plan/planning.ts";
import type { RunOptions, WriterThread } from "./run-options.ts";
import { Schedule } from "./schedule.ts";
import { sourceOf, type Stream, workOf } from "../plan/source.ts";
import { StoredResults } from "./stored-results.ts";
import { SummaryCollector } from "./summary.ts";
import {
  droppedRecord,
  endedRecord,
  interruptedRecord,
  queuedRecord,
  retryOf,
  skippedRecord,
  stopped,
} from "./task-records.ts";
import { fill } from "../plan/template.ts";
import { TimeoutWatch } from "./timeout-watch.ts";
import { Total } from "./total.ts";

/** Ready tasks kept per slot, so that a Worker never waits for the generator. */
const readyPerSlot = 2;
const leastReady = 512;
/**
 * Handed out and not committed. Beyond, the writer is behind and nothing more is handed out. Twice as many are no faster,
 * and cost 13 MB.
 */
const maxInFlight = 4096;
/** How long running tasks may take to end after a cancel. */
const cancelGraceMs = 10_000;
/** How long a program that was left running in the background may take to end after SIGTERM. */
const backgroundGraceMs = 1_000;
/** How long a run that is cancelled before it has begun may take to begin: a little later, it is not begun at all. */
const beginGraceMs = 1_000;
/** A thread gives a task up by itself, 2 s after its timeout (worker/attempt.ts). One that has not by then is stuck. */
const timeoutGraceMs = 3_000;
/** Where the writer keeps the Worker waiting, it is looked at again after this. */
const heldLookMs = 1_000;
/** The main thread plans no longer than this at a stretch: a cancel and the screen wait meanwhile. */
const planSliceMs = 50;
/** Stored results are asked for while fewer tasks than this are ready: what they make ready holds them in memory. */
const fewReady = 16;
const maxRecordedPlan = 1000;
/** The writer waits when main is 64 commits behind. */
const seenAtOnce = 16;
/** It waits when main is 16 M characters behind. */
const seenCharsAtOnce = 1024 * 1024;

const otherCodeLine = ({ run, alreadyDone }: RunStarted, beganAt: number): string =>
  `the pipeline's code has changed since run ${run}, which is continued, began on ${new Date(beganAt).toISOString()}: the ` +
  `results of its ${alreadyDone} tasks that are done come from the earlier code; --fresh starts anew`;

/** E.g. an optional task that had been skipped is done now, and what reads it is given another input. */
const leftLine = (left: ReadonlyMap<string, number>): string =>
  "tasks that an earlier session of this run had done are not in its plan any more, or have another input now: " +
  `${Array.from(left, ([name, count]) => `${count} × ${name}`).join(", ")}; what they have stored stays`;

/** `stop` was called before there was a run: nothing has been done. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";
}

type Stop = { readonly status: "cancelled" | "error"; readonly failure: Failure | null };

export class Run {
  readonly #options: RunOptions;
  readonly #graph: Graph;
  readonly #schedule: Schedule;
  readonly #summary = new SummaryCollector();
  /** Handed out, and its end not committed yet. */
  readonly #inFlight = new InFlight();
  readonly #lost = new Map<WorkerId, LostWorker>();
  readonly #overdue = new Map<WorkerId, TaskId>();
  readonly #total = new Total((total, complete) =>
    this.#tellWriter({ type: "total", total, complete }),
  );
  readonly #timeouts: TimeoutWatch;
  /** When a retry is due, or a rate limit opens. */
  readonly #alarm = new Alarm(() => this.#advance());
  /** Ready before the run began, when nobody knew yet what an earlier session had done. */
  #early: TaskVertex[] = [];
  readonly #stored = new StoredResults((ids) => this.#tellWriter({ type: "results", ids }));
  readonly #onTaskFinish: HookQueue<TaskFinished> | undefined;
  /** The run has ended, and is told to stop now all the same: its hooks are what is waited for. */
  readonly #hurried = Promise.withResolvers<string>();
  readonly #mask: Mask | undefined;
  readonly #programs: Programs;
  #executors: Executors | undefined;
  #writer: WriterThread | undefined;
  /** Shared with the writer: see `ToWriter`. */
  readonly #givenUp = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #started: RunStarted | undefined;
  readonly #restored = new RestoredTasks();
  #control: Control | undefined;
  #stream: Stream | undefined;
  #nextId = 1;
  #slots = 1;
  #stop: Stop | undefined;
  #graceTimer: Timer | undefined;
  #closing = false;
  /** The run's last event is out. */
  #hasFinished = false;
  /** Commits taken in, of which the writer has not been told. */
  #seen = 0;
  #seenChars = 0;
  #isReaderBehind = false;
  #feeding = false;
  #isRefillSoon = false;
  #hasAllReached = false;
  #queuedAtEnd = 0;
  /** Of a cancelled run: what depends on tasks that were cancelled. A later run may still do it, so it is not skipped. */
  readonly #undecided: TaskVertex[] = [];
  /** A task that was not optional has failed. */
  #hasFailed = false;
  /** Why the run fails, where no task says it. */
  #failure: Failure | undefined;
  readonly #done = Promise.withResolvers<RunSummary>();

  constructor(options: RunOptions) {
    const mask = Mask.of(options.pipeline.secrets, process.env);
    this.#mask = mask;
    this.#options =
      mask === undefined
        ? options
        : { ...options, onOutput: (level, line) => options.onOutput(level, mask.text(line)) };
    this.#schedule = new Schedule(options.pipeline.pools);
    this.#graph = new Graph(
      {
        ready: (vertex) => this.#ready(vertex),
        skipped: (vertex, failure) => this.#skipped(vertex, failure),
        fanOutFailed: (failure) => this.#fanOutFailed(failure),
      },
      options.pipeline.pools,
      mask === undefined ? undefined : (name) => mask.text(name),
    );
    this.#programs = options.programs ?? Programs.create();
    this.#timeouts = new TimeoutWatch(timeoutGraceMs, (id) => this.#timedOut(id));
    const { onTaskFinish } = options.pipeline;
    if (onTaskFinish !== undefined) {
      this.#onTaskFinish = new HookQueue("onTaskFinish", onTaskFinish, (level, line) =>
        this.#print(level, line),
      );
    }
  }

  /**
   * Plans, runs and commits everything.
   * @throws PlanError, also for what `tasks` throws, before anything is written; CancelledError where `stop` came before
   *   the run had begun
   */
  async start(): Promise<RunSummary> {
    try {
      // Whoever stops the run does not wait for `tasks`: it may never come to an end.
      const plan = planningFor(this.#graph, () => this.#plan());
      await Promise.race([plan, this.#done.promise]);
      this.#openWriter();
      const summary = await this.#done.promise;
      // What `sh` has left running in the background has served the run.
      await endGroups(this.#programs.running(), backgroundGraceMs);
      return summary;
    } catch (thrown) {
      throw this.#mask?.error(thrown) ?? thrown;
    } finally {
      this.#executors?.stop();
      this.#writer?.terminate();
      this.#timeouts.clear();
      this.#closeControl();
      systemClock.cancel(this.#graceTimer);
      this.#alarm.set(undefined);
    }
  }

  /** Once: a later session of this run may have a file of the same name. */
  #closeControl(): void {
    this.#control?.close();
    this.#control = undefined;
  }

  /** Whether the main thread may yet run code of the user's, and so be kept busy by it. Known when the run has begun. */
  get mayRunUserCode(): boolean {
    const { onTaskFinish, onFinish } = this.#options.pipeline;
    if (onTaskFinish !== undefined || onFinish !== undefined) return true;
    return this.#stream !== undefined || !this.#graph.isUnfolded;
  }

  /** First: start nothing new, tell what runs, wait a while. Urgent: end the threads now, and wait for nobody's lock. */
  stop(urgent: boolean): void {
    this.#endEarly({ status: "cancelled", failure: null });
    if (urgent && this.#hasFinished) this.#hurried.resolve("the run was told to stop now");
    else if (urgent && this.#started !== undefined) {
      Atomics.store(this.#givenUp, 0, 1);
      this.#killAll();
    }
  }

  /** By `pipeloom cancel`, from another terminal. */
  #asked(urgent: boolean): void {
    this.#print("warn", `asked from outside to end${urgent ? " now" : ""}`);
    this.stop(urgent);
  }

  // ── plan ──

  async #plan(): Promise<void> {
    const { pipeline, params } = this.#options;
    const source = sourceOf(await workOf(pipeline, params));
    if (source.kind === "stream") {
      this.#graph.expectsMore = true;
      this.#stream = source.stream;
      this.#total.promise(pipeline.total, params);
      return;
    }
    this.#planAll(source.nodes);
    this.#checkReached();
  }

  #planAll(nodes: readonly unknown[]): void {
    try {
      this.#graph.addAll(nodes, () => this.#wantsMore);
    } catch (thrown) {
      if (thrown instanceof PlanError) throw thrown;
      const { origin } = this.#options.pipeline;
      throw new PlanError(thrownAt(thrown, origin ?? ""), { cause: thrown });
    }
  }

  /** Once all that can be planned is: until then, an item may yet pass on a node from outside. */
  #checkReached(): void {
    if (this.#hasAllReached || this.#stream !== undefined || !this.#graph.isUnfolded) return;
    this.#hasAllReached = true;
    const unreached = this.#graph.assertAllReached();
    if (unreached !== undefined) this.#print("info", unreached);
  }

  #print(level: LogLevel, line: string): void {
    this.#options.onOutput(level, line);
  }

  // ── the writer ──

  #openWriter(): void {
    const { pipeline, module, writer: options, params, resume, spawnWriter } = this.#options;
    const [workers, concurrency] = this.#size();
    this.#slots = concurrency;
    const writer = spawnWriter();
    this.#writer = writer;
    writer.onmessage = (event) => this.#guarded(() => this.#fromWriter(event.data as FromWriter));
    writer.onerror = (event) => {
      event.preventDefault();
      this.#writerFailed({ name: "WriterCrash", message: event.message });
    };
    writer.addEventListener("close", ({ code }) =>
      this.#writerFailed({
        name: "WriterExit",
        message: `the writer's thread ended with code ${code}; does a message's \`apply\`, or the module itself, call process.exit?`,
      }),
    );
    this.#tellWriter({
      type: "open",
      options,
      run: {
        pipeline: this.#mask?.text(pipeline.name) ?? pipeline.name,
        file: module.kind === "file" ? module.path : null,
        // For the file. A secret among them stands there as it does everywhere: masked.
        params: this.#mask?.stringify(params) ?? JSON.stringify(params),
        canonicalParams: canonicalJson(params),
        code: this.#options.code ?? null,
        resume,
        wait: this.#options.wait ?? false,
        schema: pipeline.schema,
        secrets: pipeline.secrets,
        workers,
        concurrency,
      },
      module: pipeline.messages.length === 0 ? null : module,
      givenUp: this.#givenUp,
    });
    this.#startExecutors(workers, concurrency);
  }

  #size(): [workers: number, concurrency: number] {
    const { workers, concurrency, cores } = this.#options;
    const tasks =
      this.#stream === undefined && this.#graph.isCountable
        ? this.#graph.tasks + this.#graph.expected
        : Number.POSITIVE_INFINITY;
    const threads = Math.max(
      1,
      Math.min(workers ?? Math.min(cores, tasks), concurrency ?? Number.POSITIVE_INFINITY),
    );
    return [threads, concurrency ?? threads];
  }

  #fromWriter(message: FromWriter): void {
    switch (message.type) {
      case "restored":
        for (const task of JSON.parse(message.tasks) as RestoredTask[]) this.#restored.add(task);
        return;
      case "opened":
        this.#nextId = this.#restored.maxId + 1;
        if (message.otherCode && message.started.alreadyDone > 0)
          this.#options.onOutput("warn", otherCodeLine(message.started, message.beganAt));
        this.#started = message.started;
        // Who asks finds the run by its row.
        if (this.#options.writer.storeTaskStatus)
          this.#control = openControl(message.started, (urgent) => this.#asked(urgent));
        this.#options.onEvents([message.started]);
        return this.#begin(message.started);
      case "done-elsewhere":
        return this.#done.resolve(message.summary);
      case "committed":
        this.#seenChars += message.events.length;
        return this.#committed(unpackEvents(message.events, this.#inFlight));
      case "detached":
        this.#resolveLost(message.workerId);
        return this.#advance();
      case "results":
        for (const [id, result] of message.results)
          this.#graph.finish(this.#stored.take(id), { status: "done", result });
        return this.#advance();
      case "output":
        return this.#print(message.level, message.line);
      case "failed":
        return this.#writerFailed(this.#masked(message.failure));
      case "closed":
        return void this.#closed(this.#mask?.data(message.finished) ?? message.finished);
      default:
        assertNever(message);
    }
  }

  /** As it stands in the file. */
  #keyOf({ definition, inputText }: TaskVertex): string {
    const key = taskKey(definition.name, inputText);
    return this.#mask?.text(key) ?? key;
  }

  #masked(failure: Failure): Failure {
    return this.#mask?.data(failure) ?? failure;
  }

  /** What is thrown in here is a bug, of ours or of an `onEvent`: the run must not hang because of it. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      this.#done.reject(thrown);
    }
  }

  #tellWriter(message: ToWriter, transfer: MessagePort[] = []): void {
    this.#writer?.postMessage(this.#shown(message), transfer);
  }

  /** All that main says of tasks and failures passes here on its way to the file. */
  #shown(message: ToWriter): ToWriter {
    const mask = this.#mask;
    if (mask === undefined || (message.type !== "records" && message.type !== "close")) {
      return message;
    }
    return mask.data(message);
  }

  #record(record: MainRecord): void {
    this.#tellWriter({ type: "records", records: [record] });
  }

  /** What is committed is safe; nothing more can be. */
  #writerFailed(failure: Failure): void {
    if (this.#started === undefined) {
      this.#done.reject(Object.assign(new Error(failure.message), failure));
      return;
    }
    if (this.#hasFinished) return;
    const status = failure.code === "given-up" ? "cancelled" : "error";
    this.#stop = { status, failure };
    this.#closing = true;
    this.#closeStream();
    this.#executors?.stop();
    this.#queuedAtEnd = this.#graph.live + this.#undecided.length - this.#stored.size;
    const { run } = this.#started;
    void this.#closed({ type: "run-finished", run, status, at: systemClock.wall(), failure });
  }

  // ── the executors ──

  /** While the writer opens the database: the threads take as long to start as that does. */
  #startExecutors(workers: number, concurrency: number): void {
    const { module, pipeline, writer, createExecutors } = this.#options;
    this.#executors = createExecutors(
      {
        workers,
        concurrency,
        module,
        sources: this.#options.sources ?? [],
        db: writer.db === ":memory:" ? null : writer.db,
        secrets: pipeline.secrets,
        programs: this.#programs,
      },
      {
        take: (workerId, most, idle) => this.#take(workerId, most, idle),
        moved: (ids, workerId) => this.#moved(ids, workerId),
        attach: ({ message, transfer }) => this.#tellWriter(message, transfer),
        toppedUp: () => this.#guarded(() => this.#advance()),
        lost: (worker) => this.#guarded(() => this.#workerLost(worker)),
        broken: (failure) => this.#guarded(() => this.#endEarly({ status: "error", failure })),
        output: this.#options.onOutput,
      },
    );
    this.#executors.start();
    this.#options.spareThreads?.[Symbol.dispose]();
  }

  #begin(started: RunStarted): void {
    const { pipeline, params } = this.#options;
    for (const name of this.#mask?.shortNames ?? []) {
      this.#print(
        "warn",
        `the secret ${name} has fewer than 8 characters: it is masked where it is a whole word, and nowhere else`,
      );
    }
    this.#recordPlanned(started);
    this.#executors?.begin({
      id: started.run,
      pipeline: pipeline.name,
      params: JSON.stringify(params),
    });
    const early = this.#early;
    this.#early = [];
    for (const vertex of early) this.#ready(vertex);
    this.#advance();
  }

  /** All that it waited for is there. What an earlier session has ended needs no Worker, no pool and no turn. */
  #ready(vertex: TaskVertex): void {
    if (this.#started === undefined) this.#early.push(vertex);
    else if (this.#restored.isEmpty || !this.#hasEnded(vertex)) this.#schedule.add(vertex);
  }

  /** An earlier session of this run has done it, or it is optional and has failed there. */
  #hasEnded(vertex: TaskVertex): boolean {
    const known = this.#identify(vertex);
    if (known === undefined || known.status === "open") return false;
    if (known.status === "failed") {
      this.#graph.finish(vertex, { status: "error", failure: this.#failedBefore(vertex, known) });
      return true;
    }
    this.#graph.settleWantsResult(vertex);
    if (known.isStored === true && vertex.wantsResult) this.#stored.add(vertex);
    else this.#graph.finish(vertex, { status: "done", result: known.result ?? undefined });
    return true;
  }

  /** Its row says so already. It is counted and shown, and was told to `onTaskFinish` when it happened. */
  #failedBefore({ id, name, attempt }: TaskVertex, { result }: RestoredTask): Failure {
    const failure = JSON.parse(result ?? "null") as Failure;
    const event: TaskFinished = {
      type: "task-finished",
      id: id as TaskId,
      name,
      attempt,
      status: "error",
      startedAt: null,
      at: systemClock.wall(),
      failure,
    };
    this.#summary.add(event);
    this.#options.onEvents([event]);
    return failure;
  }

  /**
   * Of a plan that is known and small, the file shows what is still to come. Large ones would pay twice for each row; and
   * which ids a resumed run's tasks have is known only when it comes to them.
   */
  #recordPlanned(started: RunStarted): void {
    if (started.resumed || this.#stream !== undefined || this.#graph.tasks > maxRecordedPlan)
      return;
    this.#recordQueued();
  }

  #take(workerId: WorkerId, most: number, idle: number): Assignment[] {
    const assignments: Assignment[] = [];
    const taken: TaskVertex[] = [];
    const now = systemClock.now();
    while (
      this.#started !== undefined &&
      assignments.length < most &&
      this.#inFlight.size < maxInFlight &&
      this.#stop === undefined
    ) {
      if (this.#schedule.ready < most) this.#refill();
      const vertex = this.#schedule.take(now, assignments.length < idle);
      if (vertex === undefined) break;
      assignments.push(this.#prepare(vertex));
      vertex.workerId = workerId;
      this.#inFlight.add(vertex);
      taken.push(vertex);
    }
    // The plan failed on the way: nothing new starts.
    if (this.#stop === undefined) return assignments;
    for (const vertex of taken) this.#putBack(vertex);
    return [];
  }

  #prepare(vertex: TaskVertex): Assignment {
    if (vertex.input !== undefined) this.#identify(vertex);
    this.#graph.settleWantsResult(vertex);
    const { id, inputText, definition, name, cursor, timeoutMs, wantsResult } = vertex;
    const retries = retriesOf(vertex);
    const assignment: { -readonly [Key in keyof Assignment]: Assignment[Key] } = {
      id: id as TaskId,
      task: definition.name,
      name,
      attempt: vertex.attempt + 1,
      input: inputText,
      wantsResult,
    };
    if (cursor !== undefined) assignment.cursor = cursor;
    if (retries !== undefined) assignment.retries = retries;
    if (timeoutMs !== undefined) assignment.timeoutMs = timeoutMs;
    return assignment;
  }

  /** Its input is complete: gives it its id, and what else it had in an earlier session. */
  #identify(vertex: TaskVertex): RestoredTask | undefined {
    if (vertex.input === undefined) throw new Error("Internal error: a task is identified twice");
    vertex.inputText = fill(vertex.input, resultText);
    vertex.input = undefined;
    const known = this.#restored.isEmpty
      ? undefined
      : this.#restored.take(this.#keyOf(vertex), vertex.optional);
    if (known !== undefined) vertex.id = known.id;
    else if (vertex.id === 0) vertex.id = taskId(this.#nextId++);
    vertex.attempt = known?.attempt ?? 0;
    vertex.cursor = known?.cursor ?? undefined;
    return known;
  }

  #moved(ids: readonly TaskId[], workerId: WorkerId): void {
    for (const id of ids) {
      const vertex = this.#inFlight.get(id);
      if (vertex !== undefined) vertex.workerId = workerId;
    }
  }

  // ── what comes next ──

  get #wantsMore(): boolean {
    const ready = this.#schedule.ready + this.#early.length;
    return ready < Math.max(leastReady, this.#slots * readyPerSlot);
  }

  /** Unfolds fan-outs and pulls from the stream while there is room. */
  #refill(): void {
    if (this.#schedule.ready < Math.max(fewReady, this.#slots)) this.#stored.askMore();
    const until = systemClock.now() + planSliceMs;
    try {
      if (planningFor(this.#graph, () => this.#planUntil(until))) return this.#refillSoon();
      if (this.#stream?.isDone === true) {
        this.#stream = undefined;
        this.#graph.expectsMore = false;
      }
      this.#checkReached();
    } catch (error) {
      this.#planFailed(error);
    }
  }

  /** True when the time is up before there is no room, or nothing to plan now. */
  #planUntil(until: number): boolean {
    for (let planned = 1; this.#planOne(); planned++) {
      if (planned % 16 === 0 && systemClock.now() > until) return true;
    }
    return false;
  }

  /** False when there is no room, or nothing to plan now. */
  #planOne(): boolean {
    if (this.#stop !== undefined || !this.#wantsMore) return false;
    if (this.#graph.canUnfold) {
      this.#graph.unfold();
      return true;
    }
    const next = this.#stream?.pull(
      (node) => this.#arrived(node),
      (error) => this.#streamFailed(error),
    );
    if (next !== undefined) this.#graph.add(next.node);
    return next !== undefined;
  }

  #refillSoon(): void {
    if (this.#isRefillSoon) return;
    this.#isRefillSoon = true;
    systemClock.soon(() => {
      this.#isRefillSoon = false;
      this.#advance();
    });
  }

  #streamFailed(error: unknown): void {
    this.#planFailed(error);
    this.#advance();
  }

  #arrived(node: unknown): void {
    // It came after the stream was closed: what it yields is not wanted any more.
    if (this.#stream === undefined) return;
    try {
      if (node !== undefined) this.#graph.add(node);
    } catch (error) {
      this.#planFailed(error);
    }
    this.#advance();
  }

  #closeStream(): void {
    this.#stream?.close();
    this.#stream = undefined;
  }

  #planFailed(error: unknown): void {
    this.#endEarly({ status: "error", failure: this.#masked(toFailure(error)) });
  }

  /** After anything has changed: supply the Workers, tell the total, see whether it is over. */
  #advance(): void {
    if (this.#feeding || this.#closing || this.#started === undefined) return;
    this.#feeding = true;
    // Taken before anything is handed out: what becomes due meanwhile is then still to be waited for, not passed over.
    const now = systemClock.now();
    if (this.#stop === undefined) {
      this.#refill();
      this.#executors?.dispatch(this.#schedule.ready);
    }
    const isStopped = this.#stop !== undefined;
    this.#alarm.set(isStopped ? undefined : this.#schedule.wakesAt(now));
    this.#feeding = false;
    this.#total.tell(this.#graph, this.#stream !== undefined);
    this.#endIfOver();
  }

  // ── what has been committed ──

  #committed(events: readonly CommittedEvent[]): void {
    for (const event of events) this.#apply(event);
    this.#options.onEvents(events);
    this.#seen++;
    if (this.#isReaderBehind || this.#waitForReader()) return this.#advance();
    // Not each by itself: a message that nobody waits for costs a wake-up.
    if (this.#seen >= seenAtOnce || this.#seenChars >= seenCharsAtOnce) this.#tellSeen();
    this.#advance();
  }

  #tellSeen(): void {
    this.#tellWriter({ type: "seen", count: this.#seen });
    this.#seen = 0;
    this.#seenChars = 0;
  }

  /** Commits that are not told as seen hold the writer, and with it the Workers. A run that ends waits for no reader. */
  #waitForReader(): boolean {
    if (this.#stop !== undefined || this.#closing) return false;
    const wait = this.#options.behind?.() ?? this.#onTaskFinish?.full;
    if (wait === undefined) return false;
    this.#isReaderBehind = true;
    void wait.then(() => this.#readerCaughtUp());
    return true;
  }

  #readerCaughtUp(): void {
    if (!this.#isReaderBehind) return;
    this.#isReaderBehind = false;
    this.#tellSeen();
  }

  #apply(event: CommittedEvent): void {
    switch (event.type) {
      case "task-started": {
        const vertex = this.#inFlight.get(event.id);
        if (vertex === undefined) return;
        vertex.startedAt = event.at;
        if (vertex.timeoutMs !== undefined) this.#timeouts.watch(event.id, vertex.timeoutMs);
        return;
      }
      case "task-checkpoint": {
        const vertex = this.#inFlight.get(event.id);
        if (vertex !== undefined) vertex.cursor = event.cursor;
        return;
      }
      case "task-retrying":
        return this.#retrying(event);
      case "task-finished":
        return this.#finished(event);
      case "task-progress":
      case "task-log":
      case "run-total":
        return;
      default:
        assertNever(event);
    }
  }

  #retrying(event: TaskRetrying): void {
    const vertex = this.#land(event.id);
    if (vertex === undefined) return;
    vertex.attempt = event.attempt;
    // The Worker's clock may have been set since: only the difference counts.
    const delayMs = Math.max(event.retryAt - event.at, 0);
    this.#schedule.addAt(vertex, systemClock.now() + delayMs);
  }

  #finished(event: TaskFinished): void {
    this.#summary.add(event);
    // What a hook does to its event must reach neither the tasks that read the result nor the screen.
    this.#onTaskFinish?.add(structuredClone(event));
    const vertex = this.#land(event.id);
    if (vertex === undefined) return;
    vertex.attempt = event.attempt;
    switch (event.status) {
      case "done":
        return this.#graph.finish(vertex, { status: "done", result: event.result });
      case "error":
        this.#hasFailed ||= !vertex.optional;
        if (this.#options.failFast && !vertex.optional)
          this.#endEarly({ status: "error", failure: null });
        return this.#graph.finish(vertex, { status: "error", failure: failureOf(event) });
      case "cancelled":
        return this.#graph.finish(vertex, { status: "cancelled", failure: failureOf(event) });
      case "skipped":
        return;
      default:
        assertNever(event.status);
    }
  }

  /** It is in nobody's hands any more. */
  #land(id: TaskId): TaskVertex | undefined {
    const vertex = this.#inFlight.get(id);
    if (vertex === undefined) return undefined;
    this.#inFlight.delete(id);
    if (vertex.timeoutMs !== undefined) this.#timeouts.forget(id);
    this.#schedule.leave(vertex);
    return vertex;
  }

  #skipped(vertex: TaskVertex, failure: Failure): void {
    if (this.#stop?.status === "cancelled") {
      this.#undecided.push(vertex);
      return;
    }
    if (vertex.id === 0) vertex.id = taskId(this.#nextId++);
    this.#record(skippedRecord(vertex, systemClock.wall(), failure));
  }

  #fanOutFailed(failure: Failure): void {
    this.#hasFailed = true;
    this.#failure ??= failure;
    if (this.#options.failFast) this.#endEarly({ status: "error", failure });
  }

  // ── lost Workers and timeouts ──

  #timedOut(id: TaskId): void {
    const vertex = this.#inFlight.get(id);
    const workerId = vertex?.workerId;
    if (vertex === undefined || workerId === undefined || this.#overdue.has(workerId)) return;
    const where = this.#executors?.whereIs(id, workerId);
    if (where === "held") this.#timeouts.watch(id, heldLookMs - timeoutGraceMs);
    // Else the Worker has ended it: that is on its way.
    if (where !== "running") return;
    this.#overdue.set(workerId, id);
    this.#executors?.kill(workerId, {
      name: "TimeoutError",
      message: `no end after ${vertex.timeoutMs} ms, and it did not listen to ctx.signal, so its thread was ended`,
    });
  }

  #workerLost(worker: LostWorker): void {
    this.#lost.set(worker.workerId, worker);
    this.#tellWriter({ type: "detach", workerId: worker.workerId, sent: worker.sent });
  }

  /** All that the Worker had sent is committed; what is still in flight there is lost, and only that. */
  #resolveLost(workerId: WorkerId): void {
    const worker = this.#lost.get(workerId);
    if (worker === undefined) return;
    this.#lost.delete(workerId);
    const overdue = this.#overdue.get(workerId);
    this.#overdue.delete(workerId);
    const culprits = this.#stop === undefined ? culpritsOf(worker, overdue, this.#inFlight) : none;
    for (const vertex of this.#inFlight) {
      if (vertex.workerId !== workerId) continue;
      const id = vertex.id as TaskId;
      if (worker.unbegun.has(id)) this.#putBack(vertex);
      else if (culprits.has(id)) this.#attemptLost(vertex, worker.failure);
      else if (this.#stop !== undefined && worker.running.includes(id)) {
        this.#record(endedRecord(vertex, systemClock.wall(), stopped));
      } else this.#interrupted(vertex, worker.failure);
    }
  }

  /** Its thread is gone by another's doing: the attempt counts, but not against the task's retries. */
  #interrupted(vertex: TaskVertex, failure: Failure): void {
    if (this.#stop === undefined) {
      this.#record(interruptedRecord(vertex, systemClock.wall(), failure));
      vertex.attempt++;
      vertex.interruptions++;
    }
    this.#putBack(vertex);
  }

  #attemptLost(vertex: TaskVertex, failure: Failure): void {
    const now = systemClock.wall();
    let retryAt: number | undefined;
    try {
      retryAt = retryOf(vertex, failure, now);
    } catch (thrown) {
      const why = toFailure(thrown).message;
      this.#print("error", `task "${vertex.name}": retryOn failed: ${why}`);
    }
    this.#record(
      endedRecord(vertex, now, {
        status: "error",
        failure,
        ...(retryAt === undefined ? undefined : { retryAt }),
      }),
    );
  }

  #putBack(vertex: TaskVertex): void {
    const id = vertex.id as TaskId;
    this.#inFlight.delete(id);
    this.#timeouts.forget(id);
    vertex.startedAt = undefined;
    this.#schedule.putBack(vertex);
  }

  // ── the end ──

  #endEarly(stop: Stop): void {
    if (this.#stop !== undefined || this.#closing) return;
    this.#stop = stop;
    this.#readerCaughtUp();
    this.#closeStream();
    for (const id of this.#executors?.takeBackAll() ?? []) {
      const vertex = this.#inFlight.get(id);
      if (vertex !== undefined) this.#putBack(vertex);
    }
    this.#executors?.cancel();
    const graceMs = this.#started === undefined ? beginGraceMs : cancelGraceMs;
    this.#graceTimer = systemClock.after(graceMs, () => this.#killAll());
    this.#advance();
  }

  #killAll(): void {
    if (this.#started === undefined) {
      const why = "the run was cancelled before it began; nothing was done";
      return this.#done.reject(new CancelledError(why));
    }
    this.#executors?.killAll({ name: "CancelledError", message: "the run was stopped" });
  }

  /** To be called when all that can start now has been handed out. */
  #endIfOver(): void {
    if (this.#inFlight.size > 0 || this.#lost.size > 0) return;
    if (this.#stop !== undefined) return this.#close(this.#stop.status, this.#stop.failure);
    if (this.#isAwaited) return;
    if (this.#isIdleForever) {
      const message = `Internal error: nothing would wake this run: ${this.#schedule.ready} tasks are ready, ${this.#schedule.delayed} wait for a retry`;
      return this.#close("error", { name: "Error", message });
    }
    if (!this.#graph.isFinished) {
      return this.#close("error", { name: "Error", message: this.#graph.stuckBecause });
    }
    for (const known of this.#restored.open())
      this.#record(droppedRecord(known, systemClock.wall()));
    const left = this.#restored.leftDone();
    if (left.size > 0) this.#print("warn", leftLine(left));
    this.#close(this.#hasFailed ? "error" : "done", this.#failure ?? null);
  }

  /** Nothing is in flight; yet something will happen by itself, and `#advance` follows it. */
  get #isAwaited(): boolean {
    if (this.#stored.isAsked || this.#isRefillSoon || this.#alarm.isSet) return true;
    if (this.#stream?.isPending === true) return true;
    // A Worker that starts, or whose word is on its way, will ask for more.
    return this.#hasWork && this.#executors?.isQuiet !== true;
  }

  get #isIdleForever(): boolean {
    return this.#hasWork || this.#stream !== undefined || this.#stored.size > 0;
  }

  get #hasWork(): boolean {
    return this.#schedule.ready > 0 || this.#schedule.delayed > 0 || this.#graph.canUnfold;
  }

  #close(status: Exclude<RunStatus, "running">, failure: Failure | null): void {
    this.#closing = true;
    this.#readerCaughtUp();
    this.#queuedAtEnd = this.#graph.live + this.#undecided.length - this.#stored.size;
    this.#recordQueued();
    if (this.#executors === undefined)
      throw new Error("Internal error: a run ends that never had threads");
    void this.#executors
      .closeReaders()
      .then(() => this.#tellWriter({ type: "close", status, failure }));
  }

  /** What is known and never started stays `queued`, and the file says so. */
  #recordQueued(): void {
    const records: MainRecord[] = [];
    for (const vertex of [...this.#graph.liveTasks(), ...this.#undecided]) {
      // A row of an earlier attempt says more: its cursor, its failure.
      if (vertex.attempt > 0) continue;
      if (vertex.id === 0) vertex.id = taskId(this.#nextId++);
      records.push(queuedRecord(vertex));
    }
    if (records.length > 0) this.#tellWriter({ type: "records", records });
  }

  async #closed(finished: Extract<FromWriter, { type: "closed" }>["finished"]): Promise<void> {
    if (this.#hasFinished) return;
    this.#hasFinished = true;
    // Nobody can end it any more, and a hook may end the process.
    this.#closeControl();
    const summary = this.#summarise(finished.status, finished.failure ?? null, finished.at);
    this.#options.onEvents([finished]);
    await this.#onTaskFinish?.close(this.#hurried.promise);
    const { onFinish } = this.#options.pipeline;
    if (onFinish !== undefined) {
      await callHook(
        "onFinish",
        () => onFinish(structuredClone(summary)),
        (level, line) => this.#print(level, line),
        this.#hurried.promise,
      );
    }
    this.#done.resolve(summary);
  }

  #summarise(
    status: Exclude<RunStatus, "running">,
    failure: Failure | null,
    finishedAt: number,
  ): RunSummary {
    if (this.#started === undefined) throw new PlanError("Internal error: the run never began");
    return this.#summary.finish(this.#started, {
      status,
      failure,
      finishedAt,
      queued: this.#queuedAtEnd,
      alreadyDone: this.#restored.reused,
    });
  }
}

function failureOf({ id, failure }: TaskFinished): Failure {
  if (failure === undefined)
    throw new Error(`Internal error: task ${id} has failed without a word`);
  return failure;
}

/** What the node overrides of its definition's policy; an attempt that was interrupted is given back. */
function retriesOf({ retries, definition, interruptions }: TaskVertex): RetryPolicy | undefined {
  if (interruptions === 0) return retries;
  const policy = retries ?? definition.retries;
  return { ...policy, limit: policy.limit + interruptions };
}
