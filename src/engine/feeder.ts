// Plans the pipeline, and keeps enough tasks ready: unfolds fan-outs and pulls the stream of nodes while there is room.

import { systemClock } from "../base/clock.ts";
import type { Pipeline } from "../api/pipeline.ts";
import { type Failure, toFailure } from "../base/failure.ts";
import { thrownAt } from "../base/thrown-at.ts";
import type { Graph } from "../plan/graph.ts";
import { PlanError } from "../plan/plan-error.ts";
import type { LogLevel } from "../protocol/status.ts";
import { planLater, planNow } from "../plan/current-graph.ts";
import type { Selection } from "../plan/selection.ts";
import { nodesOf, type NodeStream, workOf } from "../plan/yielded-nodes.ts";
import type { Backlog } from "./backlog.ts";
import type { GraphRecord } from "./graph-record.ts";
import type { Life } from "./life.ts";
import type { Schedule } from "./schedule.ts";
import type { StoredResults } from "./stored-results.ts";
import { TaskTotal } from "./task-total.ts";

/** Ready tasks kept for each slot, so that a worker never waits for the generator. */
const readyPerSlot = 2;
const leastReady = 512;
/** The main thread plans at most this long at a time: a cancel and the screen wait meanwhile. */
const planSliceMs = 50;

type FeederDeps = {
  readonly pipeline: Pipeline;
  readonly life: Life;
  readonly graph: Graph;
  readonly stored: Pick<StoredResults, "askMore" | "size">;
  readonly backlog: Pick<Backlog, "isFull">;
  readonly schedule: Pick<Schedule, "setNow">;
  /** How many tasks could be dispatched. */
  ready(): number;
  /** The author's code threw, or yielded a value that is not a node. */
  failed(failure: Failure): void;
  /** There may be more to dispatch. */
  advance(): void;
  /** Undefined: the whole plan. */
  readonly selection: Selection | undefined;
  print(level: LogLevel, line: string): void;
  total(total: number, complete: boolean): void;
  readonly graphRecord: Pick<GraphRecord, "tell">;
};

export class Feeder {
  readonly #deps: FeederDeps;
  readonly #total: TaskTotal;
  /** How many tasks can run at once. */
  slots = 1;
  #stream: NodeStream | undefined;
  /** A top up was cut short by the end of its time slice; the next one is on its way. */
  #isTopUpSoon = false;
  #areAllReached = false;

  constructor(deps: FeederDeps) {
    this.#deps = deps;
    this.#total = new TaskTotal((total, complete) => deps.total(total, complete));
  }

  /** More nodes may come from a generator. */
  get isStreaming(): boolean {
    return this.#stream !== undefined;
  }

  /** A top up was cut short, and `advance` follows by itself. */
  get isTopUpSoon(): boolean {
    return this.#isTopUpSoon;
  }

  /** There will be more to dispatch, and `advance` follows by itself. */
  get isPending(): boolean {
    return this.#isTopUpSoon || this.#stream?.isPending === true;
  }

  /** How many tasks the plan comes to; infinity where that is not known yet. */
  get tasks(): number {
    const { graph } = this.#deps;
    return this.isStreaming || !graph.isCountable
      ? Number.POSITIVE_INFINITY
      : graph.tasks + graph.expected;
  }

  /** Tasks that will come and are not planned yet, as far as is known. */
  get expected(): number {
    return this.#total.expected(this.#deps.graph, this.isStreaming);
  }

  /** @throws PlanError, also for whatever `tasks` throws */
  async plan(params: Record<string, unknown>): Promise<void> {
    await planLater(this.#deps.graph, () => this.#plan(params));
  }

  async #plan(params: Record<string, unknown>): Promise<void> {
    const { pipeline, graph } = this.#deps;
    const work = nodesOf(await workOf(pipeline, params));
    if (work.kind === "stream") {
      graph.expectsMore = true;
      this.#stream = work.stream;
      this.#total.promise(pipeline.total, params);
      return;
    }
    this.#planAll(work.nodes);
    this.#checkReached();
  }

  #planAll(nodes: readonly unknown[]): void {
    const { graph, pipeline, selection } = this.#deps;
    try {
      graph.addAll(selection?.pick(nodes) ?? nodes, () => this.#hasRoom);
    } catch (thrown) {
      if (thrown instanceof PlanError) throw thrown;
      throw new PlanError(thrownAt(thrown, pipeline.origin ?? ""), { cause: thrown });
    }
  }

  /** To be called until everything is unfolded: an item may pass on any node of the plan. */
  #checkReached(): void {
    const { graph, selection } = this.#deps;
    if (this.#areAllReached || this.isStreaming || !graph.isUnfolded) return;
    this.#areAllReached = true;
    if (selection !== undefined) return this.#deps.print("info", selection.result(graph.tasks));
    const unreached = graph.assertAllReached();
    if (unreached !== undefined) this.#deps.print("info", unreached);
  }

  /** Fewer tasks are ready than may be, and they hold less text. */
  get #hasRoom(): boolean {
    const ready = this.#deps.ready();
    if (ready < this.slots * readyPerSlot) return true;
    return ready < leastReady && !this.#deps.backlog.isFull;
  }

  /** Results that wait in the file come first: the vertices that wait for them are in memory. */
  get #hasRoomForMore(): boolean {
    const isNone = this.#deps.stored.size === 0;
    return isNone ? this.#hasRoom : this.#deps.ready() < this.slots * readyPerSlot;
  }

  /** Makes tasks ready while there is room. */
  topUp(): void {
    const { graph } = this.#deps;
    this.#askForResults();
    const now = systemClock.now();
    this.#deps.schedule.setNow(now);
    const until = now + planSliceMs;
    try {
      if (planNow(graph, () => this.#planUntil(until))) return this.#topUpSoon();
      // What was planned may read long results that are in the file.
      this.#askForResults();
      if (this.#stream?.isDone === true) {
        this.#stream = undefined;
        graph.expectsMore = false;
      }
      this.#checkReached();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #askForResults(): void {
    const { stored } = this.#deps;
    if (stored.size > 0 && this.#hasRoom) stored.askMore();
  }

  /** True where the time was up first; false where there is no room, or nothing to plan now. */
  #planUntil(until: number): boolean {
    for (let planned = 1; this.#planOne(); planned++) {
      if (planned % 16 === 0 && systemClock.now() > until) return true;
    }
    return false;
  }

  /** False where there is no room, or nothing to plan now. */
  #planOne(): boolean {
    const { life, graph } = this.#deps;
    if (life.stop !== undefined || !this.#hasRoomForMore) return false;
    if (graph.canUnfold) {
      graph.unfold();
      return true;
    }
    const next = this.#stream?.pull(
      (node) => this.#arrived(node),
      (thrown) => this.#streamFailed(thrown),
    );
    if (next !== undefined) this.#add(next.node);
    return next !== undefined;
  }

  #add(node: unknown): void {
    const { graph, selection } = this.#deps;
    if (selection === undefined) graph.add(node);
    else for (const picked of selection.pick([node])) graph.add(picked);
  }

  #topUpSoon(): void {
    if (this.#isTopUpSoon) return;
    this.#isTopUpSoon = true;
    systemClock.soon(() => {
      this.#isTopUpSoon = false;
      this.#deps.advance();
    });
  }

  #arrived(node: unknown): void {
    // The stream was closed while this step was under way.
    if (this.#stream === undefined) return;
    this.#deps.schedule.setNow(systemClock.now());
    try {
      if (node !== undefined) this.#add(node);
    } catch (thrown) {
      this.#fail(thrown);
    }
    this.#deps.advance();
  }

  #streamFailed(thrown: unknown): void {
    this.#fail(thrown);
    this.#deps.advance();
  }

  /** Says where in the author's file, as for what `tasks` throws before the run. */
  #fail(thrown: unknown): void {
    const failure = toFailure(thrown);
    if (thrown instanceof PlanError) return this.#deps.failed({ ...failure, name: "Error" });
    const message = thrownAt(thrown, this.#deps.pipeline.origin ?? "");
    const { stack } = failure;
    const more = stack === undefined ? { cause: failure } : { cause: failure, stack };
    this.#deps.failed({ name: "Error", message, ...more });
  }

  /** What is known of the plan: how many tasks, and what depends on what. */
  tellPlan(): void {
    this.#total.tell(this.#deps.graph, this.isStreaming);
    this.#deps.graphRecord.tell();
  }

  /** No more nodes are wanted: lets the generator run its `finally`. */
  close(): void {
    this.#stream?.close();
    this.#stream = undefined;
  }
}
