// A plan as text: a tree for a person, Mermaid, Graphviz and JSON for other programs. Pure.

import { JSON } from "../base/globals.ts";
import type { DryRun, Plan, PlanNode } from "../protocol/plan.ts";
import { nextRunText } from "./next-run-text.ts";
import { visible } from "../base/text.ts";

export const planFormats = ["tree", "mermaid", "dot", "json"] as const;
export type PlanFormat = (typeof planFormats)[number];

export function renderPlan(plan: DryRun, format: PlanFormat): string {
  switch (format) {
    case "tree":
      return `${tree(plan)}${nextRunText(plan.next)}`;
    case "mermaid":
      return mermaid(plan);
    case "dot":
      return dot(plan);
    case "json":
      return `${JSON.stringify(plan, null, 2)}\n`;
  }
}

// ── tree ───────────────────────────────────────────────────────────────────────────────────────────────

/** More lines than anyone reads. */
const maxLines = 500;

/** The roots at the left, and below each node the nodes that it needs. */
function tree(plan: Plan): string {
  const printer = new TreePrinter(plan);
  printer.children(plan.roots, "", true);
  const tasks = plan.nodes.filter((node) => node.kind === "task").length;
  const open = plan.nodes.some((node) => node.kind === "each") || plan.more;
  const count = `${tasks.toLocaleString("en-US")} ${tasks === 1 ? "task" : "tasks"}`;
  const rest = plan.more
    ? ", and more that the generator has not yielded yet"
    : open
      ? ", and what the fan-outs become"
      : "";
  return `${visible(plan.pipeline)}: ${count}${rest}\n${printer.text()}`;
}

class TreePrinter {
  readonly #nodes: ReadonlyMap<number, PlanNode>;
  readonly #seen = new Set<number>();
  readonly #lines: string[] = [];
  #left = 0;

  constructor(plan: Plan) {
    this.#nodes = new Map(plan.nodes.map((node) => [node.id, node]));
  }

  text(): string {
    const more = this.#left === 0 ? [] : [`… ${this.#left} more lines`];
    return [...this.#lines, ...more].map((line) => `${line}\n`).join("");
  }

  /** Equal siblings without needs share a line: 100 downloads are one line. */
  children(ids: readonly number[], indent: string, isRoot = false): void {
    const groups = alike(ids.flatMap((id) => this.#nodes.get(id) ?? []));
    groups.forEach(({ node, count }, index) => {
      const last = index === groups.length - 1;
      const branch = isRoot ? "" : last ? "└─ " : "├─ ";
      const below = isRoot ? "" : last ? "   " : "│  ";
      this.#node(node, count, indent + branch, indent + below);
    });
  }

  #node(node: PlanNode, count: number, lead: string, indent: string): void {
    const children = [...node.needs, ...node.after.filter((id) => !node.needs.includes(id))];
    const again = this.#seen.has(node.id) && children.length > 0;
    this.#seen.add(node.id);
    this.#line(
      `${lead}${label(node)}${count > 1 ? ` × ${count.toLocaleString("en-US")}` : ""}${again ? " (see above)" : ""}`,
    );
    // The indent grows with each level: a chain of thousands would need very long lines.
    if (!again && this.#lines.length < maxLines) this.children(children, indent);
  }

  #line(line: string): void {
    if (this.#lines.length < maxLines) this.#lines.push(line);
    else this.#left++;
  }
}

function alike(nodes: readonly PlanNode[]): { node: PlanNode; count: number }[] {
  const groups: { node: PlanNode; count: number }[] = [];
  for (const node of nodes) {
    const last = groups.at(-1);
    const same =
      last !== undefined &&
      isLeaf(node) &&
      isLeaf(last.node) &&
      node.kind === "task" &&
      label(node) === label(last.node);
    if (same) last.count++;
    else groups.push({ node, count: 1 });
  }
  return groups;
}

const isLeaf = (node: PlanNode): boolean => node.needs.length === 0 && node.after.length === 0;

function label(node: PlanNode): string {
  if (node.kind === "each") return fanOut(node);
  const settings = node.settings.length === 0 ? "" : ` (${node.settings.join(", ")})`;
  return `${visible(node.name)}${settings}`;
}

const fanOut = ({ items }: PlanNode): string =>
  items === null || items === undefined
    ? "each item of (decided as it runs)"
    : `each of ${items.toLocaleString("en-US")} items`;

// ── for other programs ─────────────────────────────────────────────────────────────────────────────────

function mermaid(plan: Plan): string {
  const lines = plan.nodes.flatMap((node) => [
    node.kind === "each"
      ? `  n${node.id}{{${mermaidText(fanOut(node))}}}`
      : `  n${node.id}[${mermaidText(node.name)}]`,
    ...node.needs.map((id) => `  n${id} --> n${node.id}`),
    ...node.after.map((id) => `  n${id} -.-> n${node.id}`),
  ]);
  return `flowchart LR\n${lines.map((line) => `${line}\n`).join("")}`;
}

/** Quoted; characters that would end the quotes or the line are entities. */
const mermaidText = (text: string): string =>
  `"${visible(text).replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;")}"`;

function dot(plan: Plan): string {
  const lines = plan.nodes.flatMap((node) => [
    `  n${node.id} [label=${dotText(node.kind === "each" ? fanOut(node) : node.name)}${node.kind === "each" ? ", shape=hexagon" : ""}];`,
    ...node.needs.map((id) => `  n${id} -> n${node.id};`),
    ...node.after.map((id) => `  n${id} -> n${node.id} [style=dashed];`),
  ]);
  return `digraph ${dotText(plan.pipeline)} {\n  rankdir=LR;\n  node [shape=box];\n${lines.map((line) => `${line}\n`).join("")}}\n`;
}

const dotText = (text: string): string =>
  `"${visible(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
