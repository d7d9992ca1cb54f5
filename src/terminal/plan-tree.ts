// A plan as a tree for a person, in the direction of the flow: at the left what needs nothing, and below each task what goes
// on with its result. A fan-out is one line, with the tasks that its items become. Pure.

import { grouped, plural, visible } from "../base/text.ts";
import type { Plan, PlanNode } from "../protocol/plan.ts";

/** More lines than anyone reads. */
const maxLines = 500;
/** Characters. Deeper branches are counted. */
const maxIndent = 120;
/** Names of further dependencies that a line has, and kinds of items. */
const maxNamed = 3;
const maxKinds = 5;

/** `lead`: the branches before the text; `rest`: what comes before its further lines, where it is wrapped. */
type TreeLine = { readonly lead: string; readonly rest: string; readonly text: string };

export function planTree(plan: Plan): readonly TreeLine[] {
  return new TreePrinter(plan).lines();
}

/** `orders: 3 tasks, and what the fan-outs become` */
export function planTitle({ pipeline, nodes, more }: Plan): string {
  const tasks = nodes.filter(({ kind }) => kind === "task");
  const known = tasks.reduce((sum, { count }) => sum + (count ?? 0), 0);
  const isOpen = tasks.some(({ count }) => count === null) || nodes.some(isUnknown);
  const rest = more
    ? ", and more that the generator has not yielded yet"
    : isOpen
      ? ", and what the fan-outs become"
      : "";
  return `${visible(pipeline)}: ${plural(known, "task")}${rest}`;
}

const isUnknown = ({ kind, items, exits }: PlanNode): boolean =>
  kind === "each" && items !== 0 && (exits ?? []).length === 0;

/** Nodes that are shown as one line, and what they have in common. */
type Group = { readonly nodes: readonly PlanNode[]; readonly shape: string };

class TreePrinter {
  readonly #nodes: ReadonlyMap<number, PlanNode>;
  /** Outside of fan-outs. */
  readonly #outer: readonly PlanNode[];
  readonly #dependents = new Map<number, PlanNode[]>();
  readonly #shapes = new Map<number, string>();
  readonly #printed = new Set<number>();
  readonly #lines: TreeLine[] = [];
  #left = 0;

  constructor({ nodes }: Plan) {
    this.#nodes = new Map(nodes.map((node) => [node.id, node]));
    this.#outer = nodes.filter(({ inside }) => inside === null);
    for (const node of this.#outer) {
      for (const id of dependencies(node)) {
        const known = this.#dependents.get(id);
        if (known === undefined) this.#dependents.set(id, [node]);
        else known.push(node);
      }
    }
    // Dependents have larger ids.
    for (const node of this.#outer.toReversed()) this.#shapes.set(node.id, this.#shapeOf(node));
  }

  /**
   * Equal for tasks that look the same, and after which the same follows. A task that others follow too is told apart by its id:
   * it is where branches meet.
   */
  #shapeOf(node: PlanNode): string {
    const below = (this.#dependents.get(node.id) ?? []).map((next) =>
      dependencies(next).length === 1 ? this.#shapes.get(next.id) : `#${next.id}`,
    );
    const needs = dependencies(node).length > 1 ? dependencies(node).join() : "";
    const shape = `${this.#label(node)}(${needs})${[...new Set(below)].join("|")}`;
    // Shapes contain those of what follows: a chain of thousands would make them long.
    return shape.length > 64 ? String(Bun.hash(shape)) : shape;
  }

  lines(): readonly TreeLine[] {
    const roots = this.#outer.filter((node) => dependencies(node).length === 0);
    this.#groups(roots, [], "", "", true);
    const more = { lead: "", rest: "", text: `… ${plural(this.#left, "more line")}` };
    return this.#left === 0 ? this.#lines : [...this.#lines, more];
  }

  #groups(
    nodes: readonly PlanNode[],
    parents: readonly PlanNode[],
    indent: string,
    last: string,
    isRoot = false,
  ): void {
    const alike = Map.groupBy(nodes, ({ id }) => this.#shapes.get(id) ?? "");
    const groups: Group[] = Array.from(alike, ([shape, all]) => ({ shape, nodes: all }));
    groups.forEach((group, index) => {
      const isLast = index === groups.length - 1;
      const branch = isRoot ? "" : isLast ? "└─ " : "├─ ";
      const below = isRoot ? "" : isLast ? last : "│  ";
      this.#group(group, parents, indent + branch, indent + below);
    });
  }

  #group(
    { nodes: first }: Group,
    parents: readonly PlanNode[],
    lead: string,
    indent: string,
  ): void {
    const [node] = first;
    if (node === undefined) return;
    const { nodes, next, links } = this.#chain(first);
    const rest = indent + (next.length > 0 ? "│ " : "  ");
    const times = nodes.length > 1 ? ` × ${grouped(nodes.length)}` : "";
    const row = links > 1 ? `, ${grouped(links)} in a row` : "";
    const notes = this.#notes(node, parents);
    this.#line({ lead, rest, text: `${this.#label(node)}${times}${row}${notes}` });
    if (indent.length > maxIndent) this.#left += next.length;
    else this.#groups(next, nodes, indent, "   ");
  }

  /** Equal tasks that follow one another, each of them alone: the last ones, and what follows these. */
  #chain(first: readonly PlanNode[]): {
    readonly nodes: readonly PlanNode[];
    readonly next: readonly PlanNode[];
    readonly links: number;
  } {
    let nodes = first;
    for (let links = 1; ; links++) {
      for (const { id } of nodes) this.#printed.add(id);
      const next = this.#next(nodes);
      const [node] = nodes;
      const goesOn =
        node !== undefined &&
        next.length === nodes.length &&
        next.every((each) => this.#label(each) === this.#label(node) && isLink(each));
      if (!goesOn) return { nodes, next, links };
      nodes = next;
    }
  }

  /** What can follow now: all that it needs is above. */
  #next(nodes: readonly PlanNode[]): readonly PlanNode[] {
    const next = new Set(nodes.flatMap(({ id }) => this.#dependents.get(id) ?? []));
    return [...next].filter((node) => dependencies(node).every((id) => this.#printed.has(id)));
  }

  /** What the place in the tree does not say. */
  #notes({ needs, after }: PlanNode, parents: readonly PlanNode[]): string {
    const isParent = (id: number): boolean => parents.some((parent) => parent.id === id);
    const others = needs.filter((id) => !isParent(id));
    const later = after.filter((id) => !needs.includes(id));
    const notes = [
      ...(others.length === 0 ? [] : [`also needs ${this.#names(others)}`]),
      ...(later.length === 0 ? [] : [`only after ${this.#names(later)}, without its result`]),
    ];
    return notes.length === 0 ? "" : ` (${notes.join("; ")})`;
  }

  #names(ids: readonly number[]): string {
    const names = [...new Set(ids.map((id) => this.#short(id)))];
    const more = names.length - maxNamed;
    return more > 0 ? `${names.slice(0, maxNamed).join(", ")} and ${more} more` : names.join(", ");
  }

  #short(id: number): string {
    const node = this.#nodes.get(id);
    if (node?.kind !== "each") return visible(node?.name ?? "");
    const [source] = node.needs;
    return source === undefined ? fanOut(node) : `each item of ${this.#short(source)}`;
  }

  #label(node: PlanNode): string {
    if (node.kind === "task") return visible(node.name) + settings(node);
    const items = this.#items(node);
    return `${fanOut(node)}${items === "" ? "" : `: ${items}`}`;
  }

  /** `load-day → clean-day`, or `300 × load-small, 65 × load-large → check` */
  #items(each: PlanNode): string {
    const exits = [...new Set(each.exits ?? [])].flatMap((id) => this.#nodes.get(id) ?? []);
    const kinds = exits.map((node) => {
      const count = (node.count ?? 0) / (each.count ?? 1);
      const times = exits.length > 1 && count > 1 ? `${grouped(count)} × ` : "";
      return times + this.#flow(node, each.id, 0);
    });
    const more = kinds.length - maxKinds;
    return more > 0
      ? `${kinds.slice(0, maxKinds).join(", ")} and ${more} other kinds`
      : kinds.join(", ");
  }

  /** What leads to the node within its item. */
  #flow(node: PlanNode, each: number, depth: number): string {
    if (node.inside !== each) return this.#short(node.id);
    const own = node.kind === "each" ? `[${this.#label(node)}]` : this.#label(node);
    const before = dependencies(node).flatMap((id) => this.#nodes.get(id) ?? []);
    const inner = before.filter(({ inside }) => inside === each);
    if (depth > maxLines) return `… → ${own}`;
    const flows = inner.map((dependency) => this.#flow(dependency, each, depth + 1));
    return flows.length === 0
      ? own
      : `${flows.length === 1 ? flows.join("") : `(${flows.join(", ")})`} → ${own}`;
  }

  #line(line: TreeLine): void {
    if (this.#lines.length < maxLines) this.#lines.push(line);
    else this.#left++;
  }
}

const dependencies = ({ needs, after }: PlanNode): number[] => [
  ...needs,
  ...after.filter((id) => !needs.includes(id)),
];

/** A fan-out says what its items become, so each has its line. */
const isLink = (node: PlanNode): boolean =>
  node.kind === "task" && node.needs.length === 1 && node.after.length === 0;

const settings = (node: PlanNode): string =>
  node.settings.length === 0 ? "" : ` (${node.settings.join(", ")})`;

export const fanOut = ({ items, needs }: PlanNode): string =>
  items === null || items === undefined
    ? needs.length === 0
      ? "each item"
      : "each item of the list"
    : `each of ${plural(items, "item")}`;
