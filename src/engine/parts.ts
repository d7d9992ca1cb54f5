// The parts of one run, connected: who calls whom.

import { Alarm } from "../base/alarm.ts";
import { systemClock } from "../base/clock.ts";
import type { Failure } from "../base/failure.ts";
import { TextGarbage } from "../base/text-garbage.ts";
import type { Executors } from "../executors/executors.ts";
import { Graph } from "../plan/graph.ts";
import type { Learned, SessionDurations } from "../protocol/learned.ts";
import { Mask } from "../protocol/mask.ts";
import { labelled } from "../protocol/label.ts";
import { Selection } from "../plan/selection.ts";
import { Backlog } from "./backlog.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Feeder } from "./feeder.ts";
import { GraphRecord } from "./graph-record.ts";
import { PipelineHooks } from "./hooks.ts";
import { Identities } from "./identities.ts";
import { InFlight } from "./in-flight.ts";
import { Inputs } from "./inputs.ts";
import { Life, type Stop } from "./life.ts";
import { Losses, timeoutGraceMs } from "./losses.ts";
import { Outcomes } from "./outcomes.ts";
import { storedName } from "./opening.ts";
import { rerunOf } from "./failed-rerun.ts";
import type { RunOptions } from "./run-options.ts";
import { ReuseAsks } from "./reuse-asks.ts";
import { Schedule } from "./schedule.ts";
import { SlowWatch } from "./slow-watch.ts";
import { StoredResults } from "./stored-results.ts";
import type { TaskId } from "../protocol/ids.ts";
import { againRecord } from "./task-records.ts";
import { TaskCode } from "./task-code.ts";
import { type Progress, TaskTimes } from "./task-times.ts";
import { WaitTimes } from "./wait-times.ts";
import type { RunFinished } from "../protocol/events.ts";
import type { SessionCosts } from "../protocol/summary.ts";
import { TimeoutWatch } from "./timeout-watch.ts";
import { type WriterEvents, WriterLink } from "./writer-link.ts";

/** Calls of the parts to the run. */
type RunCalls = {
  readonly writerEvents: WriterEvents;
  executors(): Executors;
  /** Something has changed: there may be more to dispatch, or nothing left to do. */
  advance(): void;
  endEarly(stop: Stop): void;
  failOnThrow(work: () => void): void;
};

/** Tasks that wait for a worker with their tags, and hold up no others: more of them are too much to keep in memory. */
const maxParked = 10_000;

/** A run that keeps no states has no earlier runs, and of code that is not known no result is taken. */
const usesReuse = ({ definitions = [], code, writer }: RunOptions): boolean =>
  writer.storeTaskStatus &&
  code !== undefined &&
  definitions.some(({ reuse }) => reuse !== undefined);

export class Parts {
  readonly life = new Life();
  readonly inFlight = new InFlight();
  /** Of the main thread. */
  readonly garbage = new TextGarbage();
  readonly mask: Mask | undefined;
  /** Prints a line that belongs to no task; masked. */
  readonly print: RunOptions["onOutput"];
  readonly hooks: PipelineHooks;
  readonly code: TaskCode;
  readonly times: TaskTimes;
  readonly waits = new WaitTimes();
  readonly slow: SlowWatch;
  readonly schedule: Schedule;
  readonly inputs: Inputs;
  readonly identities: Identities;
  readonly graph: Graph;
  readonly timeouts = new TimeoutWatch(timeoutGraceMs, (id) => this.losses.timedOut(id));
  readonly stored = new StoredResults((ids) => this.writer.send({ type: "results", ids }));
  readonly backlog: Backlog;
  /** When a retry is due, or a rate limit opens. */
  readonly alarm: Alarm;
  readonly writer: WriterLink;
  readonly feeder: Feeder;
  readonly graphRecord: GraphRecord;
  readonly dispatcher: Dispatcher;
  readonly outcomes: Outcomes;
  readonly losses: Losses;
  /** Undefined where no task has `reuse`, or no result can be taken. */
  readonly reuse: ReuseAsks | undefined;

  readonly #executors: () => Executors;

  constructor(options: RunOptions, run: RunCalls) {
    const { pipeline, onOutput, onEvents } = options;
    const mask = Mask.of(pipeline.secrets, process.env);
    this.#executors = () => run.executors();
    this.mask = mask;
    this.print = mask === undefined ? onOutput : (level, line) => onOutput(level, mask.text(line));
    this.hooks = new PipelineHooks(pipeline, this.print);
    const { storeTaskStatus, db } = options.writer;
    this.times = new TaskTimes(storeTaskStatus && db !== ":memory:", (name) =>
      storedName(name, mask),
    );
    this.inputs = new Inputs(options.inputs ?? "short", storeTaskStatus, mask);
    this.schedule = new Schedule(pipeline.pools);
    const { times, inFlight, inputs, schedule } = this;
    this.slow = new SlowWatch({ times, inFlight, inputs, onEvents });
    this.identities = new Identities(mask, (vertex, wasCounted) => {
      this.writer.record([againRecord(vertex, inputs)]);
      const { id, name } = vertex;
      if (wasCounted) onEvents([{ type: "task-again", id: id as TaskId, name }]);
    });
    this.graph = this.#newGraph(options);
    this.alarm = new Alarm(() => run.advance());
    this.backlog = new Backlog({ schedule, inFlight, keepsResults: storeTaskStatus });
    this.writer = this.#newWriter(options, run);
    this.reuse = usesReuse(options) ? this.#newReuse(options, run) : undefined;
    const { reuse } = this;
    this.code = new TaskCode({
      ...options,
      mask,
      print: this.print,
      sent: () => reuse?.open(),
      post: (message) => run.failOnThrow(() => this.writer.send(message)),
    });
    this.graphRecord = this.#newGraphRecord(options);
    this.feeder = this.#newFeeder(options, run);
    this.dispatcher = new Dispatcher({
      ...this.#shared,
      waits: this.waits,
      topUp: () => this.feeder.topUp(),
      applyRestored: (vertex, which) => this.outcomes.applyRestored(vertex, which),
      reuse,
    });
    this.outcomes = this.#newOutcomes(options, run);
    this.losses = this.#newLosses(run);
  }

  /** What the constructor has made before it connects the parts. */
  get #shared() {
    const { life, mask, inputs, inFlight, print, times, slow, schedule } = this;
    const { identities, graph, timeouts, stored, backlog, garbage } = this;
    return {
      life,
      mask,
      inputs,
      inFlight,
      print,
      times,
      slow,
      schedule,
      identities,
      graph,
      timeouts,
      stored,
      backlog,
      garbage,
    };
  }

  #newWriter(options: RunOptions, run: RunCalls): WriterLink {
    const { hooks } = this;
    return new WriterLink(
      {
        ...this.#shared,
        behind: () => options.behind?.() ?? hooks.full,
        failOnThrow: (work) => run.failOnThrow(work),
      },
      run.writerEvents,
    );
  }

  #newReuse(options: RunOptions, run: RunCalls): ReuseAsks {
    return new ReuseAsks({
      ...this.#shared,
      takes: options.reuse ?? true,
      ask: (tasks) => run.failOnThrow(() => this.writer.send({ type: "reuse", tasks })),
      advance: () => run.advance(),
    });
  }

  #newFeeder({ pipeline, only }: RunOptions, run: RunCalls): Feeder {
    return new Feeder({
      ...this.#shared,
      pipeline,
      selection: only === undefined ? undefined : new Selection(only),
      ready: () => this.dispatcher.ready - this.#parked,
      failed: (failure) => run.endEarly({ status: "error", failure: this.#masked(failure) }),
      advance: () => run.advance(),
      total: (total, complete) => this.writer.send({ type: "total", total, complete }),
      graphRecord: this.graphRecord,
    });
  }

  #newGraphRecord({ writer }: RunOptions): GraphRecord {
    const { graph, mask } = this;
    return new GraphRecord({
      graph,
      isKept: writer.storeTaskStatus,
      nameOf: (name) => storedName(name, mask),
      send: (text) => this.writer.send({ type: "graph", graph: text }),
    });
  }

  #newOutcomes(options: RunOptions, run: RunCalls): Outcomes {
    const { mask, hooks, reuse } = this;
    return new Outcomes({
      ...this.#shared,
      failFast: options.failFast,
      rerun: (started, status) => rerunOf(options, mask, started, status),
      record: (records) => this.writer.record(records),
      release: (id) => this.dispatcher.release(id) ?? reuse?.release(id),
      endEarly: (stop) => run.endEarly(stop),
      taskFinished: (event) => {
        if (!hooks.isEmpty) hooks.taskFinished(labelled(event));
      },
      onEvents: options.onEvents,
    });
  }

  #newLosses(run: RunCalls): Losses {
    return new Losses({
      ...this.#shared,
      record: (records) => this.writer.record(records),
      executors: () => run.executors(),
      detach: ({ workerId, sent }) => this.writer.send({ type: "detach", workerId, sent }),
      putBack: (vertex) => this.dispatcher.putBack(vertex),
    });
  }

  topUp(): void {
    const { feeder, dispatcher } = this;
    const { twins } = dispatcher;
    feeder.topUp();
    while (twins.size > 0 && (!feeder.isTopUpSoon || twins.isFull)) {
      const isEarly = this.#goesOnPlanning && !twins.isFull;
      if (!twins.settle({ isEarly, isBusy: this.#isBusy && !twins.isFull })) return;
      feeder.topUp();
    }
  }

  /** More will be planned, and until then there is enough to do. */
  get #goesOnPlanning(): boolean {
    const { feeder, graph, schedule, stored, dispatcher } = this;
    // A long list of an earlier session is on its way, or tasks are ready that have to make room for it.
    if (stored.size > 0) return true;
    if (schedule.ready > 0 && (graph.canUnfold || feeder.isStreaming)) return true;
    return feeder.isPending && systemClock.now() < (dispatcher.twins.waitsUntil ?? 0);
  }

  /** The run is looked at again after something that runs, or will: a task, or the writer's answer. */
  get #isBusy(): boolean {
    const { inFlight, schedule, losses, reuse } = this;
    const underWay = inFlight.size + losses.unresolved + (reuse?.size ?? 0);
    return underWay + schedule.ready - this.#parked + schedule.delayed > 0;
  }

  /** Ready tasks that no worker can run now. */
  get #parked(): number {
    // Before, there may be no executors.
    if (this.life.stage !== "running") return 0;
    let parked = 0;
    for (const on of this.#executors().missingTags) parked += this.schedule.readyOn(on);
    return Math.min(parked, maxParked);
  }

  /** When there is something to do that nothing else wakes the run for, as `systemClock.now`. */
  wakesAt(now: number): number | undefined {
    const { feeder, schedule, dispatcher } = this;
    const wakesAt = schedule.wakesAt(now);
    const until = dispatcher.twins.waitsUntil;
    if (until === undefined || until <= now || !feeder.isPending) return wakesAt;
    return Math.min(until, wakesAt ?? until);
  }

  /** What earlier runs say of the tasks. Before the first one is dispatched. */
  learn(learned: Learned | undefined): void {
    const { times, schedule } = this;
    if (learned === undefined) return;
    times.learn(learned);
    this.slow.begin();
    if (times.isMixed) schedule.longFirst((vertex) => times.classOf(vertex));
  }

  /** Undefined where earlier runs say nothing. */
  get remainingMs(): number | undefined {
    const { times, inFlight } = this;
    return times.remainingMs(this.#progress, inFlight, systemClock.wall());
  }

  /** Sends the rest of the graph. @param isWhole the session has run all that there was @returns what later runs learn */
  endSession(isWhole: boolean): SessionDurations | undefined {
    this.graphRecord.flush();
    return this.times.session(this.#progress, isWhole);
  }

  /** What this session has cost: main knows the times, and the writer the rest. */
  costsOf({ rows, cpuMs }: RunFinished): SessionCosts {
    const definitions = this.times.longest();
    const waits = this.waits.longest((name) => storedName(name, this.mask));
    return {
      ...(definitions.length === 0 ? {} : { definitions, waits }),
      ...(rows === undefined ? {} : { rows }),
      ...(cpuMs === undefined ? {} : { cpuMs }),
    };
  }

  get #progress(): Progress {
    const { feeder, life } = this;
    const beganAt = life.started?.at ?? systemClock.wall();
    const elapsedMs = Math.max(0, systemClock.wall() - beganAt);
    return { slots: feeder.slots, expected: feeder.expected, elapsedMs };
  }

  #masked(failure: Failure): Failure {
    return this.mask?.data(failure) ?? failure;
  }

  #newGraph({ pipeline }: RunOptions): Graph {
    const { mask } = this;
    return new Graph(
      {
        planned: (vertex) => this.times.planned(vertex),
        ready: (vertex) => this.dispatcher.add(vertex),
        readLate: (vertex) => this.stored.add(vertex),
        skipped: (vertex, failure) => {
          this.dispatcher.twins.skipped(vertex);
          this.outcomes.skipped(vertex, failure);
        },
        fanOutFailed: (failure) => this.outcomes.fanOutFailed(failure),
      },
      pipeline.pools,
      mask === undefined ? undefined : (name) => mask.text(name),
    );
  }
}
