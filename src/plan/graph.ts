// The graph of a run: which vertex waits for which. Pure: the engine reports how tasks end, and the graph announces what
// is ready and what is skipped. Nodes become vertices in planner.ts; fan-outs unfold in fan-out.ts, an item at a time.

import { type AnyNode, isNode } from "../api/node.ts";
import type { Failure } from "../base/failure.ts";
import { CreatedNodes } from "./created-nodes.ts";
import { circleBelow } from "./cycle.ts";
import type { DefinitionGraph } from "./definition-graph.ts";
import { FanOuts } from "./fan-out.ts";
import { notANode, PlanError } from "./plan-error.ts";
import { Planner } from "./planner.ts";
import {
  allows,
  describe,
  doneUnread,
  doom,
  isLive,
  open,
  type TaskVertex,
  type Vertex,
  type VertexOutcome,
} from "./vertex.ts";

type GraphEvents = {
  /** A task is new in the plan. */
  planned(vertex: TaskVertex): void;
  /** Every dependency has ended, and the task may run. */
  ready(vertex: TaskVertex): void;
  /** The task will never run: a dependency did not succeed. */
  skipped(vertex: TaskVertex, failure: Failure): void;
  /** The task is done, and its result is read now and was not kept: `finish` is to be called again, with the result. */
  readLate(vertex: TaskVertex): void;
  /** The source of a fan-out is not a list: nothing of the fan-out runs. */
  fanOutFailed(failure: Failure): void;
};

/** The list of planned tasks is not compacted for fewer ended tasks than this. */
const minCompactAfter = 256;
/** But for more characters of inputs and results than this it is: a stream of long ones would be held otherwise. */
const maxEndedChars = 2 * 1024 * 1024;

export class Graph {
  readonly #events: GraphEvents;
  readonly #created: CreatedNodes;
  readonly #planner: Planner;
  readonly #fanOuts: FanOuts;
  /** More nodes will be added, and may depend on a task that has ended long ago. */
  expectsMore = false;
  /** During `addAll`: vertices that may start. They wait until it is known who reads which result. */
  #held: Vertex[] | undefined;
  /** In the order of planning. Compacted when the ended tasks outnumber the live ones. */
  #planned: TaskVertex[] = [];
  #live = 0;
  /** Characters of the inputs and results of the tasks that have ended since the list was last compacted. */
  #endedChars = 0;
  /**
   * A worklist instead of recursion: a chain may be 10,000 links long. First in, first out: skipped tasks are announced
   * in the order of planning.
   */
  #finishing: [Vertex, VertexOutcome][] = [];
  #isFinishing = false;

  /**
   * @param pools the pipeline's concurrency limits; a task of any other pool is an error
   * @param shown a node's name without secrets
   */
  constructor(
    events: GraphEvents,
    pools: { has(name: string): boolean },
    shown: (name: string) => string = (name) => name,
  ) {
    this.#events = events;
    this.#planner = new Planner({
      pools,
      shown,
      added: (vertex) => this.#added(vertex),
      readLate: (vertex) => this.#readLate(vertex),
    });
    this.#created = new CreatedNodes((node) => this.#planner.vertexOf(node) !== undefined);
    this.#fanOuts = new FanOuts({
      planner: this.#planner,
      settleWantsResult: (each) => this.settleWantsResult(each),
      arrived: (each) => this.#arrived(each),
      finish: (each, outcome) => this.#finish(each, outcome),
      failed: (failure) => events.fanOutFailed(failure),
    });
  }

  // ── planning ──

  /** A node was created, and must be reached by what `tasks` returns. */
  created(node: AnyNode): void {
    this.#planner.created(node);
    this.#created.add(node);
  }

  /** Plans a node and everything that it depends on. Tasks that can start are announced as ready. */
  add(node: unknown): void {
    if (!isNode(node)) throw new PlanError(notANode(node));
    this.#planner.plan(node);
  }

  /**
   * Plans all nodes of a pipeline. Afterwards, tasks that can start are announced in the author's order. A fan-out whose
   * list is known unfolds in its place, as long as there is room.
   */
  addAll(nodes: Iterable<unknown>, hasRoom: () => boolean): void {
    const held: Vertex[] = [];
    this.#held = held;
    for (const node of nodes) this.add(node);
    this.#held = undefined;
    for (const vertex of held) {
      this.#arrived(vertex);
      while (vertex.kind === "each" && this.canUnfold && hasRoom()) this.unfold();
    }
  }

  #added(vertex: Vertex): void {
    if (vertex.kind === "each") this.#fanOuts.added();
    else {
      this.#addLive(vertex);
      this.#events.planned(vertex);
    }
    if (vertex.waiting > 0) return;
    if (this.#held === undefined) this.#arrived(vertex);
    else this.#held.push(vertex);
  }

  #addLive(vertex: TaskVertex): void {
    this.#live++;
    if (this.#planned.length > 2 * this.#live + minCompactAfter) this.#planned = this.liveTasks();
    this.#planned.push(vertex);
  }

  /** The task counts as live until its result is there: those that read it wait. */
  #readLate(vertex: TaskVertex): void {
    vertex.state = open;
    this.#addLive(vertex);
    this.#events.readLate(vertex);
  }

  /**
   * To be called once everything is unfolded.
   *
   * @returns a warning where a fan-out had no items, and may have been the one that passes the node on
   * @throws PlanError that names a node which nothing reaches
   */
  assertAllReached(): string | undefined {
    return this.#created.assertAllReached(this.#fanOuts.hasEmpty);
  }

  get canUnfold(): boolean {
    return this.#fanOuts.canUnfold;
  }

  /** Unfolds one item of a fan-out. */
  unfold(): void {
    this.#fanOuts.unfold();
  }

  /** Every fan-out is unfolded: no code of the author's is left to run that could pass a node on. */
  get isUnfolded(): boolean {
    return this.#fanOuts.areUnfolded;
  }

  /**
   * Decides for good whether the result is kept. To be called before the vertex is dispatched: by then it is known whether
   * anything that is still to be planned could read the result.
   */
  settleWantsResult(vertex: Vertex): void {
    if (vertex.wantsResult === "no" && (this.expectsMore || !this.isUnfolded)) {
      vertex.wantsResult = "perhaps";
    }
  }

  // ── counts ──

  /** Tasks planned so far. */
  get tasks(): number {
    return this.#planner.tasks;
  }

  /** Estimate of the tasks that items will become which are not unfolded yet. */
  get expected(): number {
    return this.#fanOuts.expectedTasks;
  }

  /** False while a fan-out waits for its list: the number of tasks cannot be known. */
  get isCountable(): boolean {
    return this.#fanOuts.areListsKnown;
  }

  /** A fan-out has ended without its list: its source did not succeed, or yielded something else. */
  get hasLostList(): boolean {
    return this.#fanOuts.hasLost;
  }

  /** See positions.ts. */
  isOfKnownList(position: number): boolean {
    return this.#planner.isOfKnownList(position);
  }

  /** Tasks that have not ended. */
  get live(): number {
    return this.#live;
  }

  /** Tasks that have not ended, in the order of planning. */
  liveTasks(): TaskVertex[] {
    return this.#planned.filter(isLive);
  }

  get isFinished(): boolean {
    return this.#live === 0 && this.#fanOuts.live === 0;
  }

  /** Why nothing can start any more although tasks are left. */
  get stuckBecause(): string {
    const live = this.liveTasks();
    const circle = circleBelow<Vertex>(live);
    if (circle === undefined) {
      const names = live.length === 0 ? ["a fan-out"] : live.slice(0, 3).map(describe);
      return `Internal error: nothing runs, and ${names.join(", ")} still waits`;
    }
    const names = circle.map(describe);
    return `these wait for one another: ${[...names, names[0]].join(" → ")}; an item of a fan-out cannot pass on a node that waits for that fan-out`;
  }

  /** What is stored of the plan, as far as it is planned. */
  get definitions(): DefinitionGraph {
    return this.#planner.definitions;
  }

  // ── outcomes ──

  /** A task has ended. */
  finish(vertex: TaskVertex, outcome: VertexOutcome): void {
    this.#finish(vertex, outcome);
  }

  #finish(vertex: Vertex, outcome: VertexOutcome): void {
    this.#finishing.push([vertex, outcome]);
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    try {
      // The list grows during the loop.
      for (const [next, how] of this.#finishing) this.#finishOne(next, how);
    } finally {
      this.#finishing = [];
      this.#isFinishing = false;
    }
  }

  #finishOne(vertex: Vertex, outcome: VertexOutcome): void {
    const isUnread = outcome.status === "done" && vertex.wantsResult === "no";
    vertex.state = isUnread ? doneUnread : outcome;
    const { dependents } = vertex;
    vertex.dependents = [];
    if (vertex.kind === "each") this.#fanOuts.ended(vertex);
    else this.#taskEnded(vertex, outcome);
    const isAllowed = allows(vertex);
    for (const dependent of dependents) {
      dependent.waiting--;
      if (vertex.isAgain) dependent.isAgain = true;
      if (!isAllowed) doom(dependent, vertex);
      if (dependent.waiting === 0) this.#arrived(dependent);
    }
  }

  #taskEnded(vertex: TaskVertex, outcome: VertexOutcome): void {
    this.#live--;
    this.#endedChars += vertex.inputText.length;
    if (vertex.state.status === "done" && vertex.state.result !== undefined) {
      this.#endedChars += vertex.state.result.length;
    }
    if (this.#endedChars > maxEndedChars) this.#compact();
    // Before the input is dropped: the record of the task tells by it which one was skipped.
    if (outcome.status === "skipped") this.#events.skipped(vertex, outcome.failure);
    vertex.input = undefined;
    vertex.after = undefined;
    vertex.needs = undefined;
    vertex.inputText = "";
  }

  /** Lets go of ended tasks. A node keeps its vertex, and with it the result. */
  #compact(): void {
    this.#endedChars = 0;
    this.#planned = this.liveTasks();
    this.#created.compact();
  }

  /** Every dependency has ended: a task is ready, a fan-out proceeds, or the vertex is skipped. */
  #arrived(vertex: Vertex): void {
    const { state } = vertex;
    if (state.status === "doomed") this.#finish(vertex, state.skip);
    else if (vertex.kind === "task") this.#events.ready(vertex);
    else this.#fanOuts.proceed(vertex);
  }
}
