// What the items of a fan-out become, for `--dry-run`. Where the list is not known before the run, the author's function gets
// a stand-in for the item, which shows the tasks that most items become.

import type { AnyNode, EachNode } from "../api/node.ts";
import { thrownAt } from "../base/thrown-at.ts";
import { dependenciesOf } from "./dependencies.ts";
import { nothingReturned, PlanError } from "./plan-error.ts";
import { nodesIn } from "./template.ts";

/** More items of a list are not looked at, nor more of all lists. */
const maxItems = 1000;
const maxAllItems = 50_000;

type Items = {
  /** The nodes that the function has returned for each item. */
  readonly items: readonly (readonly AnyNode[])[];
  /** These are all items. */
  readonly isAll: boolean;
};

/** Shapes of expressions that nest deeper are not compared. */
const maxDepth = 100;

export class DryItems {
  readonly #file: string;
  readonly #known = new Map<EachNode, Items>();
  #left = maxAllItems;

  /** @param file of the pipeline, for errors of its functions */
  constructor(file: string) {
    this.#file = file;
  }

  /** @throws PlanError as a run would, where the list is known */
  of(each: EachNode): Items {
    const known = this.#known.get(each) ?? this.#read(each);
    this.#known.set(each, known);
    return known;
  }

  #read({ source, item }: EachNode): Items {
    if (!Array.isArray(source)) return { items: guessed(item), isAll: false };
    const list: readonly unknown[] = source;
    const count = Math.max(1, Math.min(list.length, maxItems, this.#left));
    this.#left -= count;
    const items = list.slice(0, count).map((value, index) => {
      const expression = called(() => item(value, index), this.#file);
      if (expression === undefined) throw new PlanError(nothingReturned(index));
      return nodesIn([expression]);
    });
    return { items, isAll: list.length <= count };
  }

  /** Items that become the same tasks, in the order of the first of them. */
  alike(each: EachNode, known: Known): readonly (readonly (readonly AnyNode[])[])[] {
    const shapes = Map.groupBy(this.of(each).items, (nodes) =>
      nodes.map((node) => this.#shape(node, known, 0)).join(),
    );
    return [...shapes.values()];
  }

  /**
   * Equal for nodes that are shown as one line: tasks of the same names and settings, which depend on each other in the same
   * way.
   */
  #shape(node: AnyNode, known: Known, depth: number): string {
    const id = known.get(node);
    if (id !== undefined) return `#${id}`;
    if (depth > maxDepth) return "…";
    const below = dependenciesOf(node).map((each) => this.#shape(each, known, depth + 1));
    const shape = `${this.#ownShape(node, known, depth)}(${below.join()})`;
    return shape.length > 200 ? String(Bun.hash(shape)) : shape;
  }

  #ownShape(node: AnyNode, known: Known, depth: number): string {
    if (node.kind === "task") {
      const { after: _, ...settings } = node.settings ?? {};
      return `${node.definition.name} ${Bun.inspect(settings)}`;
    }
    const { items } = this.of(node);
    const inner = items.flat().map((each) => this.#shape(each, known, depth + 1));
    return `each ${Array.isArray(node.source) ? node.source.length : "?"} ${inner.join()}`;
  }
}

/** Nodes that are shown already, by id. */
type Known = ReadonlyMap<AnyNode, number>;

function called(item: () => unknown, file: string): unknown {
  try {
    return item();
  } catch (thrown) {
    throw thrown instanceof PlanError
      ? thrown
      : new PlanError(thrownAt(thrown, file), { cause: thrown });
  }
}

/** Nothing where the function needs a real item. */
function guessed(item: EachNode["item"]): Items["items"] {
  try {
    return [nodesIn([item(standIn(), 0)])];
  } catch {
    return [];
  }
}

/** A function that never ends with a stand-in, e.g. `while (item.next)`, is stopped. */
const maxReads = 10_000;

/** Any member of it is another stand-in; as text it is `…`. It can be called, and has no items. */
function standIn(): unknown {
  let reads = 0;
  const make = (): unknown =>
    new Proxy(() => undefined, {
      get(_, name) {
        if (++reads > maxReads) throw new RangeError("too many reads of a stand-in");
        if (name === Symbol.toPrimitive) return () => "…";
        if (name === Symbol.iterator) return () => [].values();
        return typeof name === "symbol" || name === "then" ? undefined : make();
      },
      apply: make,
    });
  return make();
}
