// A plan as text: a tree for a person, Mermaid, Graphviz and JSON for other programs. Pure.

import { JSON } from "../base/globals.ts";
import { visible, width, wrapped, wrappedBelow } from "../base/text.ts";
import type { DryRun, Plan, PlanNode } from "../protocol/plan.ts";
import { nextRunText } from "./next-run-text.ts";
import { fanOut, planTitle, planTree } from "./plan-tree.ts";
import type { PlanFormat } from "./plan-formats.ts";

/** @param columns of the terminal that shows the tree; infinity where there is none */
export function renderPlan(plan: DryRun, format: PlanFormat, columns: number): string {
  switch (format) {
    case "tree":
      return tree(plan, columns);
    case "mermaid":
      return mermaid(plan);
    case "dot":
      return dot(plan);
    case "json":
      return `${JSON.stringify(plan, null, 2)}\n`;
  }
}

function tree(plan: DryRun, columns: number): string {
  const lines = [
    ...wrapped(planTitle(plan), columns),
    "",
    ...planTree(plan).flatMap(({ lead, rest, text }) => below(lead, rest, text, columns)),
    "",
    ...(plan.only === undefined ? [] : wrapped(visible(plan.only), columns)),
  ];
  return `${lines.join("\n")}\n${nextRunText(plan.next, columns, plan.only !== undefined)}`;
}

/** Less than this is no room for text. */
const leastColumns = 16;

/** A long line goes on below its text, so that the branches beside it stay whole. */
const below = (lead: string, rest: string, text: string, columns: number): string[] =>
  columns - Math.max(width(lead), width(rest)) < leastColumns
    ? [lead + text]
    : wrappedBelow(lead, rest, text, columns);

// ── for other programs ─────────────────────────────────────────────────────────────────────────────────

type Edge = { readonly from: number; readonly to: number; readonly isOrder: boolean };

/** In the direction of the flow: a fan-out leads to the first tasks of its items, and their last tasks to what follows. */
function edgesOf({ nodes }: Plan): Edge[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const exitsOf = (id: number): readonly number[] => {
    const exits = new Set(byId.get(id)?.exits ?? []);
    return exits.size === 0 ? [id] : [...exits].flatMap((exit) => exitsOf(exit));
  };
  return nodes.flatMap((node) => {
    const isInside = (id: number): boolean => byId.get(id)?.inside === node.inside;
    const isFirst = node.inside !== null && !node.needs.some(isInside);
    const from = (id: number): readonly number[] => (id === node.inside ? [id] : exitsOf(id));
    return [
      ...(isFirst ? [{ from: node.inside ?? 0, to: node.id, isOrder: false }] : []),
      ...node.needs.flatMap(from).map((id) => ({ from: id, to: node.id, isOrder: false })),
      ...node.after.flatMap(from).map((id) => ({ from: id, to: node.id, isOrder: true })),
    ];
  });
}

const nodeText = (node: PlanNode): string => {
  if (node.kind === "each") return fanOut(node);
  const { count } = node;
  return count === null || count === 1 ? node.name : `${node.name} × ${count}`;
};

function mermaid(plan: Plan): string {
  const lines = [
    ...plan.nodes.map((node) =>
      node.kind === "each"
        ? `  n${node.id}{{${mermaidText(nodeText(node))}}}`
        : `  n${node.id}[${mermaidText(nodeText(node))}]`,
    ),
    ...edgesOf(plan).map(
      ({ from, to, isOrder }) => `  n${from} ${isOrder ? "-.->" : "-->"} n${to}`,
    ),
  ];
  return `flowchart LR\n${lines.map((line) => `${line}\n`).join("")}`;
}

/** Quoted; characters that would end the quotes or the line are entities. */
const mermaidText = (text: string): string =>
  `"${visible(text).replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;")}"`;

function dot(plan: Plan): string {
  const lines = [
    ...plan.nodes.map(
      (node) =>
        `  n${node.id} [label=${dotText(nodeText(node))}${node.kind === "each" ? ", shape=hexagon" : ""}];`,
    ),
    ...edgesOf(plan).map(
      ({ from, to, isOrder }) => `  n${from} -> n${to}${isOrder ? " [style=dashed]" : ""};`,
    ),
  ];
  return `digraph ${dotText(plan.pipeline)} {\n  rankdir=LR;\n  node [shape=box];\n${lines.map((line) => `${line}\n`).join("")}}\n`;
}

const dotText = (text: string): string =>
  `"${visible(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
