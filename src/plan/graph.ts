// The graph of a run: what waits for what. Pure: it is told what ended and says what has become ready.
// Planning turns nodes into vertices; a fan-out unfolds item by item, as many as the caller asks for.

import { JSON } from "../base/globals.ts";
import { type AnyNode, type EachNode, isNode, nodeName, type TaskNode } from "../api/node.ts";
import type { AnyTaskDefinition } from "../api/task.ts";
import type { Failure } from "../base/failure.ts";
import type { WorkerId, TaskId } from "../protocol/ids.ts";
import { NotJsonError } from "../base/json.ts";
import type { RetryPolicy } from "../protocol/messages.ts";
import { assertNever } from "../base/unreachable.ts";
import { circleBelow } from "./cycle.ts";
import { Heap } from "../base/heap.ts";
import { fill, holdsNode, nodesIn, type Template, toTemplate } from "./template.ts";

/** How a vertex ended. `result` is JSON text; undefined where nobody wants it (`wantsResult`). */
export type VertexOutcome =
  | { readonly status: "done"; readonly result: string | undefined }
  | { readonly status: "error" | "cancelled"; readonly failure: Failure }
  | { readonly status: "skipped"; readonly because: string; readonly failure: Failure };

type VertexBase = {
  /** A node may be planned by one run after another: each has a graph of its own. */
  readonly graph: Graph;
  /** How many vertices it still waits for. */
  waiting: number;
  /** Emptied when it ends, so that finished work can be collected. */
  dependents: Vertex[];
  outcome: VertexOutcome | undefined;
  /**
   * The result is kept: someone reads it, or an item that is still to come may. Settled when a task is handed out and when
   * a fan-out unfolds (`Graph.settleWantsResult`); whoever passes results on, or reads them, asks here and nowhere else.
   */
  wantsResult: boolean;
  readonly optional: boolean;
};

export type TaskVertex = VertexBase & {
  readonly kind: "task";
  readonly definition: AnyTaskDefinition;
  readonly name: string;
  readonly pool: string | undefined;
  readonly priority: number;
  readonly retries: RetryPolicy | undefined;
  readonly timeoutMs: number | undefined;
  /** Freed once the input text has been made: the task is then identified. */
  input: Template<Vertex> | undefined;
  /** 0 until it is given one. */
  id: TaskId | 0;
  inputText: string;
  /** The attempt that runs, or ran last; 0 before the first. */
  attempt: number;
  /** How many of its attempts were lost with their thread, by another task's doing. */
  interruptions: number;
  /** When the attempt that runs began, epoch ms. */
  startedAt: number | undefined;
  cursor: string | undefined;
  /** Order among what is ready at one priority. */
  order: number;
  /** The Worker that has it, while it is in flight. */
  workerId: WorkerId | undefined;
  /** It has not ended. */
  isLive: boolean;
};

export type EachVertex = VertexBase & {
  readonly kind: "each";
  readonly item: EachNode["item"];
  /** A list that was given as it is, or what will yield one; undefined once its items are known. */
  source: { readonly list: readonly unknown[] } | { readonly text: Template<Vertex> } | undefined;
  items: readonly unknown[];
  /** The next item to unfold; 0: the author's function was never called. */
  next: number;
  /** Fan-outs around it. */
  readonly depth: number;
  /** Order among fan-outs of one depth. */
  readonly order: number;
  /** One template for each item, kept only when the result is wanted. */
  results: Template<Vertex>[];
  /** Tasks that its items became, for estimating the rest. */
  unfoldedTasks: number;
};

export type Vertex = TaskVertex | EachVertex;

/** What the pipeline's author got wrong; its message names what and where. */
export class PlanError extends Error {
  override readonly name = "PlanError";
}

/** Planned nodes and ended tasks that may be held on to, with their results, before it is worth looking for them. */
const leastLook = 256;

export type GraphEvents = {
  /** All it waited for is done. */
  ready(vertex: TaskVertex): void;
  /** It will never run, because of a task that did not end well. */
  skipped(vertex: TaskVertex, failure: Failure): void;
  /** Its source is no list: nothing of the fan-out runs. */
  fanOutFailed(failure: Failure): void;
};

export class Graph {
  readonly #events: GraphEvents;
  readonly #pools: { has(name: string): boolean };
  readonly #shown: (name: string) => string;
  /** Nodes that have come into being, and those of them that were planned since the last look. */
  #created: AnyNode[] = [];
  #lookAt = leastLook;
  /** An author reads a plan from the inside out: the items of a nested fan-out come before the next item around it. */
  readonly #unfolding = new Heap<EachVertex>((a, b) =>
    a.depth === b.depth ? a.order < b.order : a.depth > b.depth,
  );
  /** Whose item function runs. */
  #asked: EachVertex | undefined;
  /** Fan-outs planned so far. */
  #fans = 0;
  /** A fan-out has ended without an item: what its function would have passed on cannot be known. */
  #hasUnaskedFan = false;
  readonly #planning = new Set<AnyNode>();
  /** More nodes will be added: they may pass on one whose task has ended long ago. */
  expectsMore = false;
  /** While all there is is being planned: what could start, which waits until it is known who reads what. */
  #held: Vertex[] | undefined;
  /** Tasks planned so far. */
  tasks = 0;
  /** Planned, in order. Ended ones are let go when they outnumber the live ones. */
  #planned: TaskVertex[] = [];
  #live = 0;
  #liveFans = 0;
  /** Fan-outs whose items are not known yet. */
  #unknownFans = 0;
  /** A worklist, not recursion: a chain may be 10,000 links long. First in, first out: what is skipped is told in order. */
  #ended: [Vertex, VertexOutcome][] = [];
  #isEnding = false;

  /** @param pools the named limits there are; a task of another is an error */
  /** @param shown a node's name as it may be shown: without secrets */
  constructor(
    events: GraphEvents,
    pools: { has(name: string): boolean },
    shown: (name: string) => string = (name) => name,
  ) {
    this.#shown = shown;
    this.#events = events;
    this.#pools = pools;
  }

  /** For api/node's watch: a node has come into being. */
  created(node: AnyNode): void {
    this.#created.push(node);
    if (this.#created.length < this.#lookAt) return;
    // A stream makes millions, and nearly all are planned by now: only the others are kept.
    this.#created = this.#unreached();
    this.#lookAt = Math.max(leastLook, 2 * this.#created.length);
  }

  #unreached(): AnyNode[] {
    return this.#created.filter((node) => this.#plannedVertex(node) === undefined);
  }

  /** Plans a node and all it depends on. What can start at once is announced as ready. */
  add(node: unknown): Vertex {
    if (!isNode(node)) throw new PlanError(notANode(node));
    return this.#plan(node);
  }

  /**
   * Plans all the nodes there are. What can start is announced afterwards, in the author's order, and a fan-out that has
   * its list unfolds in its place, as long as there is room.
   */
  addAll(nodes: Iterable<unknown>, hasRoom: () => boolean): void {
    const held: Vertex[] = [];
    this.#held = held;
    for (const node of nodes) this.add(node);
    this.#held = undefined;
    for (const vertex of held) {
      this.#allArrived(vertex);
      while (vertex.kind === "each" && this.canUnfold && hasRoom()) this.unfold();
    }
  }

  /**
   * To be asked once everything is unfolded. Where a fan-out had no item, its function never ran, and it might have passed
   * on any node: then nothing is said to be forgotten.
   *
   * @returns what to tell in that case
   * @throws PlanError naming a node that was made and that nothing reaches
   */
  assertAllReached(): string | undefined {
    const [node, ...others] = this.#unreached();
    // Nothing more is made: a node that is held on to would hold its result.
    this.#created = [];
    if (node === undefined) return undefined;
    const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
    const what = `task "${nodeName(node)}"`;
    if (this.#hasUnaskedFan) {
      return `${what} does not run${more}: nothing returned depends on it, and a fan-out that may pass it on has no items`;
    }
    throw new PlanError(
      `${what} was called in \`tasks\`, but nothing returned depends on it, so it would not run` +
        `${more}; return it, pass it to another task, or do not call it`,
    );
  }

  /** Tasks that items not yet unfolded will become, at the rate of those that are. */
  get expected(): number {
    let sum = 0;
    for (const each of this.#unfolding) {
      const perItem = each.next === 0 ? 1 : each.unfoldedTasks / each.next;
      sum += Math.round((each.items.length - each.next) * perItem);
    }
    return sum;
  }

  /** Every fan-out has its items: no code of the author's is left to run that could pass a node on. */
  get isUnfolded(): boolean {
    return this.#unknownFans === 0 && this.#unfolding.size === 0 && this.#asked === undefined;
  }

  /**
   * Settles for good whether its result is kept. To be called before it is handed out: from then on `wantsResult` does not
   * change, for whoever may still pass it on is known by now to exist or not.
   */
  settleWantsResult(vertex: Vertex): void {
    vertex.wantsResult ||= this.expectsMore || !this.isUnfolded;
  }

  /** False while a fan-out waits for its list: how many tasks there will be cannot be known. */
  get isCountable(): boolean {
    return this.#unknownFans === 0;
  }

  get isFinished(): boolean {
    return this.#live === 0 && this.#liveFans === 0;
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
    return `these wait for one another: ${[...names, names[0]].join(" → ")}; an item of a fan-out cannot pass on what waits for that fan-out`;
  }

  /** Tasks that have not ended. */
  get live(): number {
    return this.#live;
  }

  /** Them, in the order they were planned. */
  liveTasks(): TaskVertex[] {
    return this.#planned.filter((vertex) => vertex.isLive);
  }

  get canUnfold(): boolean {
    return this.#unfolding.size > 0;
  }

  /** Unfolds one item of a fan-out that is under way. */
  unfold(): void {
    const each = this.#unfolding.peek();
    if (each === undefined) return;
    if (each.next === each.items.length - 1) this.#unfoldLast(each);
    else this.#unfoldItem(each);
  }

  /** Taken out first: the heap's first one may be another by the time its item is planned. */
  #unfoldLast(each: EachVertex): void {
    this.#unfolding.pop();
    this.#unfoldItem(each);
    this.#unfolded(each);
  }

  #plannedVertex(node: AnyNode): Vertex | undefined {
    const vertex = node.planned as Vertex | undefined;
    return vertex?.graph === this ? vertex : undefined;
  }

  /** Dependencies first, by a stack of its own: a chain may be deeper than the call stack. */
  #plan(node: AnyNode): Vertex {
    const known = this.#plannedVertex(node);
    if (known !== undefined) return known;
    if (isLeaf(node)) return this.#planOne(node);
    const stack = [node];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const open = this.#plannedVertex(top) === undefined ? this.#openDependencies(top) : undefined;
      if (open === undefined) stack.pop();
      else if (open.length > 0)
        for (const dependency of this.#enter(top, open).toReversed()) stack.push(dependency);
      else {
        this.#planOne(top);
        stack.pop();
      }
    }
    return this.#plannedVertex(node) ?? this.#planOne(node);
  }

  #openDependencies(node: AnyNode): AnyNode[] {
    const nodes =
      node.kind === "task"
        ? [...nodesIn(node.input), ...(node.settings?.after ?? [])]
        : Array.isArray(node.source)
          ? []
          : nodesIn(node.source);
    return nodes.filter((dependency) => this.#plannedVertex(dependency) === undefined);
  }

  #enter(node: AnyNode, open: AnyNode[]): AnyNode[] {
    this.#planning.add(node);
    const again = open.find((dependency) => this.#planning.has(dependency));
    if (again !== undefined) {
      throw new PlanError(`task "${nodeName(again)}" depends on itself, through its inputs`);
    }
    return open;
  }

  #planOne(node: AnyNode): Vertex {
    const vertex = node.kind === "task" ? this.#planTask(node) : this.#planEach(node);
    this.#planning.delete(node);
    node.planned = vertex;
    if (vertex.kind === "task") this.#keep(vertex);
    else this.#liveFans++;
    if (vertex.waiting > 0) return vertex;
    if (this.#held === undefined) this.#allArrived(vertex);
    else this.#held.push(vertex);
    return vertex;
  }

  #keep(vertex: TaskVertex): void {
    this.#live++;
    if (this.#planned.length > 2 * this.#live + leastLook) this.#planned = this.liveTasks();
    this.#planned.push(vertex);
  }

  #planTask(node: TaskNode): TaskVertex {
    const { definition, settings } = node;
    const name = this.#shown(settings?.name ?? definition.name);
    const pool = settings?.pool ?? definition.pool;
    if (pool !== undefined && !this.#pools.has(pool)) throw new PlanError(unknownPool(name, pool));
    const dependencies = isLeaf(node) ? noDependencies : new Set<Vertex>();
    const input = asPlanError(`task "${name}"`, () =>
      toTemplate(node.input, "input", (dependency) => this.#need(dependency, dependencies)),
    );
    for (const before of settings?.after ?? []) dependencies.add(this.#plan(before));
    const vertex: TaskVertex = {
      graph: this,
      kind: "task",
      definition,
      name,
      pool,
      priority: settings?.priority ?? definition.priority,
      retries: settings?.retries,
      timeoutMs: settings?.timeoutMs ?? definition.timeoutMs,
      optional: settings?.optional ?? definition.optional,
      input,
      id: 0,
      inputText: "",
      attempt: 0,
      interruptions: 0,
      startedAt: undefined,
      cursor: undefined,
      order: 0,
      workerId: undefined,
      isLive: true,
      waiting: 0,
      dependents: [],
      outcome: undefined,
      wantsResult: false,
    };
    this.tasks++;
    this.#waitFor(vertex, dependencies);
    return vertex;
  }

  #planEach(node: EachNode): EachVertex {
    const dependencies = new Set<Vertex>();
    const { source } = node;
    const vertex: EachVertex = {
      graph: this,
      kind: "each",
      item: node.item,
      source: Array.isArray(source)
        ? { list: source }
        : {
            text: asPlanError("each", () =>
              toTemplate(source, "source", (dependency) => this.#need(dependency, dependencies)),
            ),
          },
      items: [],
      next: 0,
      depth: (this.#asked?.depth ?? -1) + 1,
      order: this.#fans++,
      results: [],
      unfoldedTasks: 0,
      waiting: 0,
      dependents: [],
      outcome: undefined,
      wantsResult: false,
      optional: false,
    };
    this.#unknownFans++;
    this.#waitFor(vertex, dependencies);
    return vertex;
  }

  #need(node: AnyNode, dependencies: Set<Vertex>): Vertex {
    const vertex = this.#plan(node);
    vertex.wantsResult = true;
    dependencies.add(vertex);
    return vertex;
  }

  /** @param dependencies each once */
  #waitFor(vertex: Vertex, dependencies: Iterable<Vertex>): void {
    for (const dependency of dependencies) {
      if (dependency.outcome === undefined) {
        dependency.dependents.push(vertex);
        vertex.waiting++;
      } else if (!allows(dependency)) {
        // It was planned after what it depends on had failed: it is skipped when its turn comes.
        vertex.outcome ??= skippedBecause(dependency);
      }
    }
  }

  /** Nothing is left to wait for: a task is ready, a fan-out can unfold, or both are skipped. */
  #allArrived(vertex: Vertex): void {
    const skip = vertex.outcome;
    if (skip !== undefined) {
      vertex.outcome = undefined;
      this.#end(vertex, skip);
    } else if (vertex.kind === "task") {
      this.#events.ready(vertex);
    } else {
      this.#startUnfolding(vertex);
    }
  }

  #startUnfolding(each: EachVertex): void {
    const { source } = each;
    if (source === undefined) {
      this.#end(each, { status: "done", result: eachResult(each) });
      return;
    }
    each.source = undefined;
    this.#unknownFans--;
    // Another fan-out has items to come, which may pass this one on.
    this.settleWantsResult(each);
    if ("list" in source) return this.#unfoldList(each, source.list);
    if (isAbsent(source.text)) return this.#end(each, { status: "done", result: "null" });
    const yielded: unknown = JSON.parse(fill(source.text, resultText));
    if (Array.isArray(yielded)) return this.#unfoldList(each, yielded);
    const failure = notAList(yielded, source.text, each);
    this.#events.fanOutFailed(failure);
    this.#end(each, { status: "error", failure });
  }

  #unfoldList(each: EachVertex, items: readonly unknown[]): void {
    each.items = items;
    // Holds itself open until its last item is unfolded.
    each.waiting = 1;
    if (items.length > 0) this.#unfolding.push(each);
    else this.#unfolded(each);
  }

  #unfoldItem(each: EachVertex): void {
    const index = each.next++;
    const tasksBefore = this.tasks;
    const { wantsResult } = each;
    const dependencies: Vertex[] = [];
    const plan = (node: AnyNode): Vertex => {
      const vertex = this.#plan(node);
      if (wantsResult) vertex.wantsResult = true;
      dependencies.push(vertex);
      return vertex;
    };
    this.#asked = each;
    try {
      const expression = each.item(each.items[index], index);
      if (expression === undefined) throw new PlanError(nothingReturned(index));
      // Nearly always the item becomes one node.
      const template = isNode(expression)
        ? [plan(expression)]
        : asPlanError(`each: item ${index}`, () => toTemplate(expression, "item", plan));
      if (wantsResult) each.results.push(template);
    } finally {
      this.#asked = undefined;
    }
    each.unfoldedTasks += this.tasks - tasksBefore;
    this.#waitFor(each, dependencies.length > 1 ? new Set(dependencies) : dependencies);
  }

  #unfolded(each: EachVertex): void {
    each.items = [];
    each.waiting--;
    if (each.waiting === 0) this.#allArrived(each);
  }

  /** A task has ended. */
  finish(vertex: TaskVertex, outcome: VertexOutcome): void {
    this.#end(vertex, outcome);
  }

  #end(vertex: Vertex, outcome: VertexOutcome): void {
    this.#ended.push([vertex, outcome]);
    if (this.#isEnding) return;
    this.#isEnding = true;
    try {
      // The list grows while it is gone through.
      for (const [next, how] of this.#ended) this.#endOne(next, how);
    } finally {
      this.#ended = [];
      this.#isEnding = false;
    }
  }

  #endOne(vertex: Vertex, outcome: VertexOutcome): void {
    vertex.outcome = vertex.wantsResult || outcome.status !== "done" ? outcome : doneUnread;
    const { dependents } = vertex;
    vertex.dependents = [];
    if (vertex.kind === "each") this.#fanOutEnded(vertex);
    else this.#taskEnded(vertex, outcome);
    for (const dependent of dependents) {
      dependent.waiting--;
      if (!allows(vertex)) dependent.outcome ??= skippedBecause(vertex);
      if (dependent.waiting > 0) continue;
      const skip = dependent.outcome;
      if (skip === undefined) this.#allArrived(dependent);
      else {
        dependent.outcome = undefined;
        this.#ended.push([dependent, skip]);
      }
    }
  }

  #fanOutEnded(each: EachVertex): void {
    this.#liveFans--;
    if (each.source !== undefined) this.#unknownFans--;
    each.source = undefined;
    if (each.next === 0) this.#hasUnaskedFan = true;
  }

  #taskEnded(vertex: TaskVertex, outcome: VertexOutcome): void {
    this.#live--;
    vertex.isLive = false;
    vertex.input = undefined;
    vertex.inputText = "";
    if (outcome.status === "skipped") this.#events.skipped(vertex, outcome.failure);
  }
}

/** Shared by all leaves, and never added to. */
const noDependencies = new Set<Vertex>();

/** Without dependencies; the common case of a stream. */
const isLeaf = (node: AnyNode): boolean =>
  node.kind === "task" && node.settings?.after === undefined && !holdsNode(node.input);

const doneUnread: VertexOutcome = { status: "done", result: undefined };

/** Undefined where nobody reads it. */
function eachResult(each: EachVertex): string | undefined {
  if (!each.wantsResult) return undefined;
  const text = `[${each.results.map((template) => fill(template, resultText)).join(",")}]`;
  each.results = [];
  return text;
}

/** What a dependent reads where the vertex stands: its result, or null for an optional one that did not end well. */
export function resultText(vertex: Vertex): string {
  if (vertex.outcome?.status !== "done") return "null";
  const { result } = vertex.outcome;
  if (result === undefined) {
    throw new Error(`Internal error: the result of ${describe(vertex)} is read and was not kept`);
  }
  return result;
}

/** The source is one piece of work that did not end well and is optional, or a fan-out over such a one. */
function isAbsent(source: Template<Vertex>): boolean {
  const [only] = source;
  if (source.length !== 1 || only === undefined || typeof only === "string") return false;
  return only.outcome?.status !== "done" || (only.kind === "each" && resultText(only) === "null");
}

function notAList(yielded: unknown, source: Template<Vertex>, each: EachVertex): Failure {
  const [from] = typeof source === "string" ? [] : source.filter((at) => typeof at !== "string");
  const reader = each.dependents.find(({ kind }) => kind === "task");
  return {
    name: "TypeError",
    message:
      `each: the source must yield a list, not ${kindOf(yielded)}` +
      (from === undefined ? "" : `; ${describe(from)} yielded it`) +
      (reader === undefined ? "" : `; ${describe(reader)} waits for the fan-out`),
  };
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return `a ${typeof value}`;
  const members = Object.keys(value).slice(0, 3);
  return members.length === 0 ? "an object" : `an object with ${members.join(", ")}`;
}

/** Whether what depends on it may run. */
function allows(vertex: Vertex): boolean {
  const { outcome } = vertex;
  if (outcome === undefined) return false;
  switch (outcome.status) {
    case "done":
      return true;
    case "error":
    case "skipped":
      return vertex.optional;
    case "cancelled":
      return false;
    default:
      return assertNever(outcome);
  }
}

function skippedBecause(vertex: Vertex): VertexOutcome {
  const { outcome } = vertex;
  const because = outcome?.status === "skipped" ? outcome.because : causeOf(vertex);
  return {
    status: "skipped",
    because,
    failure: { name: "Skipped", message: `skipped because ${because}` },
  };
}

/** Why what depends on it does not run. */
const causeOf = (vertex: Vertex): string =>
  vertex.kind === "each" && vertex.outcome?.status === "error"
    ? vertex.outcome.failure.message
    : `${describe(vertex)} did not finish`;

const unknownPool = (task: string, pool: string): string =>
  `task "${task}" is of the pool "${pool}", which the pipeline does not have; add it, e.g. pools: { ${/^\w+$/.test(pool) ? pool : JSON.stringify(pool)}: 4 }`;

function describe(vertex: Vertex): string {
  if (vertex.kind === "each") return "a fan-out";
  return vertex.id === 0 ? `task "${vertex.name}"` : `task "${vertex.name}" (${vertex.id})`;
}

function asPlanError<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof NotJsonError)) throw error;
    throw new PlanError(`${what}: ${error.explain("inputs")}`);
  }
}

const nothingReturned = (index: number): string =>
  `each: item ${index}: the function returned nothing; return the task that it calls, or null where there is none`;

function notANode(value: unknown): string {
  const found =
    typeof value === "function" && "taskName" in value
      ? `the task "${String(value.taskName)}" itself; call it to make a node`
      : typeof value === "object" && value !== null
        ? Array.isArray(value)
          ? "a list"
          : `an object with ${Object.keys(value).join(", ") || "no members"}`
        : String(value);
  return `\`tasks\` must yield nodes (made by calling a task), not ${found}`;
}
