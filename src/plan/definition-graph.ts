// Which task definitions and fan-outs depend on which, and how often. Recorded while nodes become vertices: the vertices of
// a million tasks are gone when somebody asks.

import type { EachNode } from "../api/node.ts";
import type { AnyTaskDefinition } from "../api/task-definition.ts";
import { functionText } from "../base/globals.ts";
import type { EdgeKind, GraphNode, RunGraph } from "../protocol/run-graph.ts";

/** A definition, or the fan-outs of one place in the code. */
export class Place {
  readonly kind: "task" | "each";
  /** For a definition its name. */
  readonly id: string;
  /** Tasks, or fan-outs. */
  count = 0;
  /** Of a fan-out. */
  items = 0;
  /** Of a definition: how many tasks have which name of their own. Undefined: none has. */
  names: Map<string, number> | undefined;
  hasMoreNames = false;
  /** Of a fan-out: what its items become. */
  readonly inner = new Set<Place>();
  readonly edges: Edge[] = [];
  /** The edge that was counted last: equal ones follow each other. */
  last: Edge | undefined;

  constructor(kind: Place["kind"], id: string) {
    this.kind = kind;
    this.id = id;
  }
}

type Edge = { readonly from: Place; readonly kind: EdgeKind; count: number };

/** Nobody can look at more. A loop may make as many definitions as it likes. */
const maxPlaces = 500;
/** Of one definition. */
const maxNames = 100;
/** Into one place. */
const maxEdges = 50;

export class DefinitionGraph {
  readonly #tasks = new Map<AnyTaskDefinition, Place>();
  readonly #fanOuts = new Map<string, Place>();
  /** In the order of planning. */
  readonly #places: Place[] = [];
  /** Stands for what is beyond the bounds. */
  readonly #rest = new Place("task", "");
  #isCut = false;
  /** Cache: equal tasks follow each other. */
  #lastDefinition: AnyTaskDefinition | undefined;
  #lastPlace = this.#rest;
  /** A task may have a label that is not made of members of its input. */
  hasOtherLabels = false;
  /** How often a place or an edge was new. */
  changes = 0;
  /** The fan-out whose item is being planned. */
  around: Place | undefined;

  of(definition: AnyTaskDefinition): Place {
    if (definition !== this.#lastDefinition) {
      this.#lastPlace = this.#tasks.get(definition) ?? this.#newTask(definition);
      this.#lastDefinition = definition;
    }
    return this.#lastPlace;
  }

  #newTask(definition: AnyTaskDefinition): Place {
    const place = this.#newPlace("task", definition.name);
    if (place !== this.#rest) this.#tasks.set(definition, place);
    return place;
  }

  /** @param sources what yields its list */
  ofEach({ source, item }: EachNode, sources: readonly Place[]): Place {
    const list = Array.isArray(source) ? "" : sources.map(({ id }) => id).join();
    const key = `${this.around?.id ?? ""} ${list} ${functionText(item)}`;
    let place = this.#fanOuts.get(key);
    if (place === undefined) {
      place = this.#newPlace("each", `each:${Bun.hash(key).toString(36)}`);
      if (place !== this.#rest) this.#fanOuts.set(key, place);
    }
    return place;
  }

  #newPlace(kind: Place["kind"], id: string): Place {
    if (this.#places.length >= maxPlaces) {
      this.#isCut = true;
      return this.#rest;
    }
    const place = new Place(kind, id);
    this.#places.push(place);
    this.changes++;
    return place;
  }

  /** One more of a place is planned, and depends on nothing. The hot path. */
  addLeaf(place: Place): void {
    place.count++;
    if (this.around !== undefined) this.#enter(this.around, place);
  }

  /** One more of a place is planned. @param isInner it depends on something of the item that is being planned */
  add(place: Place, isInner: boolean): void {
    place.count++;
    if (this.around === undefined) return;
    if (isInner) this.around.inner.add(place);
    else this.#enter(this.around, place);
  }

  /** A task has a name of its own. */
  addName(place: Place, name: string): void {
    const names = (place.names ??= new Map<string, number>());
    const count = names.get(name);
    if (count === undefined && names.size >= maxNames) place.hasMoreNames = true;
    else names.set(name, (count ?? 0) + 1);
  }

  #enter(around: Place, place: Place): void {
    this.addEdge(around, place, "item");
    around.inner.add(place);
  }

  addEdge(from: Place, to: Place, kind: EdgeKind): void {
    let edge = to.last;
    if (edge?.from !== from || edge.kind !== kind) {
      edge = this.#edge(from, to, kind);
      if (edge === undefined) return;
      to.last = edge;
    }
    edge.count++;
  }

  #edge(from: Place, to: Place, kind: EdgeKind): Edge | undefined {
    const known = to.edges.find((each) => each.from === from && each.kind === kind);
    if (known !== undefined) return known;
    if (from === this.#rest || to === this.#rest || to.edges.length >= maxEdges) {
      this.#isCut = true;
      return undefined;
    }
    const edge: Edge = { from, kind, count: 0 };
    to.edges.push(edge);
    this.changes++;
    return edge;
  }

  /** @param nameOf a definition's name as it is in the file */
  graph(nameOf: (definition: string) => string): RunGraph {
    const idOf = ({ kind, id }: Place): string => (kind === "task" ? nameOf(id) : id);
    const nodes = this.#places.map((place): GraphNode => {
      const { kind, count, items, names, hasMoreNames } = place;
      const id = idOf(place);
      if (kind === "each") return { id, kind, fanOuts: count, items };
      if (names === undefined) return { id, kind, tasks: count };
      const named = { id, kind, tasks: count, names: [...names] };
      return hasMoreNames ? { ...named, hasMoreNames } : named;
    });
    const edges = this.#places.flatMap((to) =>
      to.edges.map(({ from, kind, count }) => ({ from: idOf(from), to: idOf(to), kind, count })),
    );
    return {
      nodes,
      edges,
      ...(this.#isCut ? { isCut: true } : undefined),
      ...(this.hasOtherLabels ? undefined : { labels: "members" }),
    };
  }
}
