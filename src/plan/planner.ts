// Turns nodes into vertices, dependencies first.

import { type AnyNode, type EachNode, isNode, nodeName, type TaskNode } from "../api/node.ts";
import { toJsonText } from "../base/json.ts";
import { DefinitionGraph } from "./definition-graph.ts";
import { dependenciesOf, isLeaf } from "./dependencies.ts";
import { ownLabel } from "../protocol/label.ts";
import { noTags, type TagSet } from "../protocol/tags.ts";
import { Positions } from "./positions.ts";
import { asPlanError, PlanError, tooManyTags, unknownPool } from "./plan-error.ts";
import { nodesIn, toTemplate } from "./template.ts";
import {
  type EachVertex,
  follow,
  open,
  placeOf,
  type Source,
  type TaskVertex,
  type Vertex,
} from "./vertex.ts";

type PlannerDeps = {
  /** The pipeline's concurrency limits. */
  readonly pools: { has(name: string): boolean };
  /** A node's name or label without secrets. */
  readonly shown: (name: string) => string;
  /** Called for each new vertex, after those that it depends on. */
  readonly added: (vertex: Vertex) => void;
  /** The result of a task that is done is read, and was not kept. */
  readonly readLate: (vertex: TaskVertex) => void;
};

/** Each has a queue, which machines with these tags watch. */
const mostTagSets = 100;
/** Shared by all leaves. */
const noDependencies: readonly AnyNode[] = [];

export class Planner {
  readonly #deps: PlannerDeps;
  /** Nodes on the stack of `plan`, with what they depend on: one that is met again below depends on itself. */
  readonly #planning = new Map<AnyNode, readonly AnyNode[]>();
  #fanOuts = 0;
  /** What is stored of the plan. */
  readonly definitions = new DefinitionGraph();
  readonly #positions = new Positions();
  /** Tasks planned so far. */
  tasks = 0;
  /** How many fan-outs are around the item that is being planned; 0 outside of items. */
  #depth = 0;
  /** The stage of what is planned now and depends on nothing: that of the fan-out around it. */
  #stage = 0;
  /** The source of the fan-out whose item is unfolded now runs again. */
  #isAgain = false;
  /** Nodes that were created for such items; a node from outside may be planned among them. Undefined: none yet. */
  #again: WeakSet<AnyNode> | undefined;
  readonly #tagSets = new Set<TagSet>();

  constructor(deps: PlannerDeps) {
    this.#deps = deps;
  }

  /** The vertex of a node that is planned already. */
  vertexOf(node: AnyNode): Vertex | undefined {
    const vertex = node.planned as Vertex | undefined;
    return vertex?.owner === this ? vertex : undefined;
  }

  /** Uses a stack of its own: a chain of nodes may be deeper than the call stack. */
  plan(node: AnyNode): Vertex {
    const known = this.vertexOf(node);
    if (known !== undefined) return known;
    if (isLeaf(node)) return this.#planOne(node, noDependencies);
    const stack = [node];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      if (this.vertexOf(top) === undefined && !this.#isPlanned(top, stack)) continue;
      stack.pop();
    }
    return this.vertexOf(node) ?? this.#planOne(node, dependenciesOf(node));
  }

  /** False if other nodes come first; they are on the stack then. */
  #isPlanned(node: AnyNode, stack: AnyNode[]): boolean {
    const entered = this.#planning.get(node);
    const dependencies = entered ?? dependenciesOf(node);
    // A node that is met again is on top because its dependencies are planned.
    if (entered === undefined) {
      const unplanned = dependencies.filter(
        (dependency) => this.vertexOf(dependency) === undefined,
      );
      if (unplanned.length > 0) {
        this.#enter(node, dependencies, unplanned);
        for (const dependency of unplanned.toReversed()) stack.push(dependency);
        return false;
      }
    }
    this.#planOne(node, dependencies);
    return true;
  }

  #enter(node: AnyNode, all: readonly AnyNode[], unplanned: readonly AnyNode[]): void {
    this.#planning.set(node, all);
    const again = unplanned.find((dependency) => this.#planning.has(dependency));
    if (again !== undefined) {
      throw new PlanError(`task "${nodeName(again)}" depends on itself, through its inputs`);
    }
  }

  get isInItem(): boolean {
    return this.#depth > 0;
  }

  /** What is planned from now on is of an item of this fan-out. */
  enterItem({ depth, stage, place, position }: EachVertex, index: number, isAgain: boolean): void {
    this.#depth = depth + 1;
    this.#stage = stage;
    this.#isAgain = isAgain;
    this.definitions.around = place;
    this.#positions.enter(position, index);
  }

  leaveItem(): void {
    this.#depth = 0;
    this.#stage = 0;
    this.#isAgain = false;
    this.definitions.around = undefined;
    this.#positions.leave();
  }

  /** A node of this run was created. */
  created(node: AnyNode): void {
    node.position = this.#positions.next(node);
    if (this.#isAgain) (this.#again ??= new WeakSet()).add(node);
  }

  /** See positions.ts. */
  isOfKnownList(position: number): boolean {
    return this.#positions.isOfKnownList(position);
  }

  /** @param dependencies which are planned */
  #planOne(node: AnyNode, dependencies: readonly AnyNode[]): Vertex {
    // It was created before the run.
    if (node.position === 0) node.position = this.#positions.next(node);
    const vertex = node.kind === "task" ? this.#planTask(node, dependencies) : this.#planEach(node);
    this.#planning.delete(node);
    node.planned = vertex;
    this.#deps.added(vertex);
    return vertex;
  }

  #planTask(node: TaskNode, dependencies: readonly AnyNode[]): TaskVertex {
    const { definition, settings } = node;
    const name = this.#deps.shown(settings?.name ?? definition.name);
    const pool = settings?.pool ?? definition.pool;
    if (pool !== undefined && !this.#deps.pools.has(pool)) {
      throw new PlanError(unknownPool(name, pool));
    }
    const input = this.#inputOf(node, name, dependencies.length === 0);
    const vertex: TaskVertex = {
      owner: this,
      kind: "task",
      definition,
      name,
      label: this.#labelOf(node),
      pool,
      priority: settings?.priority ?? definition.priority,
      on: this.#tagsOf(name, settings?.on ?? definition.on),
      retries: settings?.retries,
      timeoutMs: settings?.timeoutMs ?? definition.timeoutMs,
      optional: settings?.optional ?? definition.optional,
      input,
      after: undefined,
      needs: undefined,
      id: 0,
      position: node.position,
      inputText: "",
      attempt: 0,
      interruptions: 0,
      startedAt: undefined,
      cursor: undefined,
      order: 0,
      readyAt: 0,
      workerId: undefined,
      state: open,
      waiting: 0,
      dependents: [],
      wantsResult: "no",
      isAgain: this.#again?.has(node) === true,
      stage: this.#stage,
      place: this.definitions.of(definition),
    };
    if (node.input === undefined) definition.bareCalls?.add(vertex);
    this.#connectTask(vertex, node, dependencies);
    return vertex;
  }

  #tagsOf(name: string, on: TagSet): TagSet {
    if (on === noTags || this.#tagSets.has(on)) return on;
    if (this.#tagSets.size === mostTagSets) throw new PlanError(tooManyTags(name, on, mostTagSets));
    this.#tagSets.add(on);
    return on;
  }

  #inputOf({ input }: TaskNode, name: string, isLeafNode: boolean): TaskVertex["input"] {
    return asPlanError(`task "${name}"`, () =>
      isLeafNode
        ? toJsonText(input, "input")
        : toTemplate(input, "input", (dependency) => this.#read(dependency)),
    );
  }

  #connectTask(vertex: TaskVertex, { input, settings }: TaskNode, nodes: readonly AnyNode[]): void {
    this.tasks++;
    if (mayHaveOtherLabel(vertex.definition, input, settings))
      this.definitions.hasOtherLabels = true;
    if (settings?.name !== undefined) this.definitions.addName(vertex.place, vertex.name);
    if (nodes.length === 0) return this.definitions.addLeaf(vertex.place);
    const dependencies = nodes.map((node) => this.plan(node));
    if (settings?.after === undefined) return this.#connect(vertex, dependencies, undefined);
    vertex.after = settings.after.map((node) => this.plan(node));
    const read = new Set<Vertex>(nodesIn(input).map((node) => this.plan(node)));
    this.#connect(vertex, dependencies, read);
  }

  /** @param read those whose results it reads; undefined: all */
  #connect(
    vertex: Vertex,
    dependencies: Iterable<Vertex>,
    read: ReadonlySet<Vertex> | undefined,
  ): void {
    const { definitions } = this;
    let isInner = false;
    for (const dependency of dependencies) {
      follow(vertex, dependency);
      isInner ||= definitions.around?.inner.has(dependency.place) === true;
      const kind = read?.has(dependency) === false ? "after" : "input";
      definitions.addEdge(dependency.place, vertex.place, kind);
    }
    definitions.add(vertex.place, isInner);
  }

  #labelOf({ settings }: TaskNode): string | undefined {
    if (settings?.label !== undefined) return this.#deps.shown(ownLabel(settings.label));
    return settings?.name === undefined ? undefined : "";
  }

  #planEach(node: EachNode): EachVertex {
    const dependencies = new Set<Vertex>();
    const source = this.#sourceOf(node, dependencies);
    const place = this.definitions.ofEach(node, Array.from(dependencies, placeOf));
    const vertex: EachVertex = {
      owner: this,
      kind: "each",
      item: node.item,
      items: { phase: "unknown", source },
      position: node.position,
      depth: this.#depth,
      order: this.#fanOuts++,
      place,
      results: [],
      state: open,
      waiting: 0,
      dependents: [],
      wantsResult: "no",
      isAgain: this.#again?.has(node) === true,
      optional: false,
      stage: this.#stage,
    };
    this.#connect(vertex, dependencies, undefined);
    return vertex;
  }

  /** @param dependencies gets what the list is made of */
  #sourceOf({ source }: EachNode, dependencies: Set<Vertex>): Source {
    if (Array.isArray(source)) return { list: source };
    const read = (dependency: AnyNode): Vertex => {
      const vertex = this.#read(dependency);
      dependencies.add(vertex);
      return vertex;
    };
    return { text: asPlanError("each", () => toTemplate(source, "source", read)) };
  }

  #read(node: AnyNode): Vertex {
    const vertex = this.plan(node);
    this.reads(vertex);
    return vertex;
  }

  /** Another vertex reads the result. */
  reads(vertex: Vertex): void {
    vertex.wantsResult = "yes";
    const { state } = vertex;
    if (vertex.kind === "each" || state.status !== "done" || state.result !== undefined) return;
    this.#deps.readLate(vertex);
  }
}

/** Than one that is made of members of its input. A result may be no object. */
const mayHaveOtherLabel = (
  { label }: TaskNode["definition"],
  input: unknown,
  settings: TaskNode["settings"],
): boolean =>
  label !== undefined ||
  settings?.label !== undefined ||
  (typeof input === "object" ? isNode(input) : input !== undefined);
