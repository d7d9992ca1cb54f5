// Fan-outs: unfolds their items, one at a time, and puts their results together.

import { isNode } from "../api/node.ts";
import type { Failure } from "../base/failure.ts";
import { JSON } from "../base/globals.ts";
import { Heap } from "../base/heap.ts";
import { assertNever } from "../base/unreachable.ts";
import { asPlanError, nothingReturned, PlanError } from "./plan-error.ts";
import type { Planner } from "./planner.ts";
import { fill, type Template, toTemplate } from "./template.ts";
import {
  describe,
  type EachVertex,
  type Items,
  resultText,
  type Source,
  type Unfolding,
  type Vertex,
  type VertexOutcome,
  waitFor,
} from "./vertex.ts";

type FanOutDeps = {
  readonly planner: Planner;
  readonly settleWantsResult: (each: EachVertex) => void;
  /** Every item is unfolded, and every vertex that the items became has ended. */
  readonly arrived: (each: EachVertex) => void;
  readonly finish: (each: EachVertex, outcome: VertexOutcome) => void;
  /** The source is not a list: nothing of the fan-out runs. */
  readonly failed: (failure: Failure) => void;
};

export class FanOuts {
  readonly #deps: FanOutDeps;
  /** Inner fan-outs first, as an author reads a plan: the items of a nested one come before the next item around it. */
  readonly #unfolding = new Heap<EachVertex>((a, b) =>
    a.depth === b.depth ? a.order < b.order : a.depth > b.depth,
  );
  #live = 0;
  /** Fan-outs whose list is not known yet. */
  #unknown = 0;
  /** A fan-out has ended without items: which nodes its function would have passed on cannot be known. */
  hasEmpty = false;
  /** A fan-out has ended without its list. */
  hasLost = false;

  constructor(deps: FanOutDeps) {
    this.#deps = deps;
  }

  added(): void {
    this.#live++;
    this.#unknown++;
  }

  /** Fan-outs that have not ended. */
  get live(): number {
    return this.#live;
  }

  /** False while a fan-out waits for its list: the number of tasks cannot be known. */
  get areListsKnown(): boolean {
    return this.#unknown === 0;
  }

  get canUnfold(): boolean {
    return this.#unfolding.size > 0;
  }

  /** Every item is planned, and no `item` function runs. */
  get areUnfolded(): boolean {
    return this.areListsKnown && !this.canUnfold && !this.#deps.planner.isInItem;
  }

  /** Tasks that the remaining items will become, at the rate of those that are unfolded. */
  get expectedTasks(): number {
    let sum = 0;
    for (const each of this.#unfolding) {
      const { list, next, tasks } = unfoldingOf(each);
      const perItem = next === 0 ? 1 : tasks / next;
      sum += Math.round((list.length - next) * perItem);
    }
    return sum;
  }

  /** Nothing is left to wait for: the list is there, or every item has ended. */
  proceed(each: EachVertex): void {
    const { items } = each;
    switch (items.phase) {
      case "unknown":
        return this.#start(each, items.source);
      case "unfolded":
      case "empty":
        return this.#deps.finish(each, { status: "done", result: eachResult(each) });
      case "unfolding":
        throw new Error("Internal error: a fan-out proceeds while items are left to unfold");
      default:
        assertNever(items);
    }
  }

  #start(each: EachVertex, source: Source): void {
    this.#unknown--;
    each.items = empty;
    // The items of another fan-out may read this one's result.
    this.#deps.settleWantsResult(each);
    if ("list" in source) return this.#unfoldList(each, source.list);
    if (isAbsent(source.text)) return this.#deps.finish(each, { status: "done", result: "null" });
    const yielded: unknown = JSON.parse(fill(source.text, resultText));
    if (Array.isArray(yielded)) return this.#unfoldList(each, yielded);
    const failure = notAList(yielded, source.text, each);
    this.hasLost = true;
    this.#deps.failed(failure);
    this.#deps.finish(each, { status: "error", failure });
  }

  #unfoldList(each: EachVertex, list: readonly unknown[]): void {
    if (list.length === 0) return this.proceed(each);
    each.items = { phase: "unfolding", list, next: 0, tasks: 0, isAgain: each.isAgain };
    // The fan-out waits for itself until the last item is unfolded.
    each.waiting = 1;
    this.#unfolding.push(each);
  }

  /** Plans the next item. */
  unfold(): void {
    const each = this.#unfolding.peek();
    if (each === undefined) return;
    const items = unfoldingOf(each);
    if (items.next < items.list.length - 1) return this.#unfoldItem(each, items);
    // The last item. Taken out first: planning the item may put another fan-out on top of the heap.
    this.#unfolding.pop();
    this.#unfoldItem(each, items);
    each.items = unfolded;
    each.waiting--;
    if (each.waiting === 0) this.#deps.arrived(each);
  }

  #unfoldItem(each: EachVertex, items: Unfolding): void {
    const { planner } = this.#deps;
    const index = items.next++;
    const tasksBefore = planner.tasks;
    planner.enterItem(each, index, items.isAgain);
    let vertices: Vertex[];
    try {
      const expression = each.item(items.list[index], index);
      if (expression === undefined) throw new PlanError(nothingReturned(index));
      vertices = this.#planItem(each, expression, index);
    } finally {
      planner.leaveItem();
    }
    items.tasks += planner.tasks - tasksBefore;
    each.place.items++;
    for (const vertex of vertices.length > 1 ? new Set(vertices) : vertices) {
      waitFor(each, vertex);
      planner.definitions.addEdge(vertex.place, each.place, "result");
    }
  }

  /** @returns the vertices in the item */
  #planItem(each: EachVertex, expression: unknown, index: number): Vertex[] {
    const { planner } = this.#deps;
    const wantsResult = each.wantsResult !== "no";
    // Nearly every item is one node.
    if (isNode(expression)) {
      const vertex = planner.plan(expression);
      if (wantsResult) {
        planner.reads(vertex);
        each.results.push([vertex]);
      }
      return [vertex];
    }
    const vertices: Vertex[] = [];
    const template = asPlanError(`each: item ${index}`, () =>
      toTemplate(expression, "item", (node) => {
        const vertex = planner.plan(node);
        if (wantsResult) planner.reads(vertex);
        vertices.push(vertex);
        return vertex;
      }),
    );
    if (wantsResult) each.results.push(template);
    return vertices;
  }

  ended(each: EachVertex): void {
    this.#live--;
    if (each.items.phase === "unknown") {
      this.#unknown--;
      each.items = empty;
      this.hasLost = true;
    }
    if (each.items.phase === "empty") this.hasEmpty = true;
  }
}

const unfolded: Items = { phase: "unfolded" };
const empty: Items = { phase: "empty" };

function unfoldingOf({ items }: EachVertex): Unfolding {
  if (items.phase === "unfolding") return items;
  throw new Error(`Internal error: a fan-out is to unfold an item and is ${items.phase}`);
}

/** JSON text of the list of results; undefined where nobody reads it. */
function eachResult(each: EachVertex): string | undefined {
  if (each.wantsResult === "no") return undefined;
  const text = `[${each.results.map((template) => fill(template, resultText)).join(",")}]`;
  each.results = [];
  return text;
}

/** The source is one optional vertex that did not succeed, or a fan-out over such a vertex. */
function isAbsent(source: Template<Vertex>): boolean {
  const [only] = source;
  if (source.length !== 1 || only === undefined || typeof only === "string") return false;
  return resultText(only) === "null" && (only.kind === "each" || only.state.status !== "done");
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
