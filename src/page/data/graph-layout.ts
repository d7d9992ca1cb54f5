// Places the task definitions of a run: boxes and lines, in the direction of the flow. Done here and not in the browser, whose one
// thread draws. Pure.

import { graphlib, layout as place } from "@dagrejs/dagre";

import type { GraphEdge, GraphNode, RunGraph } from "../../protocol/run-graph.ts";
import type { DrawnEdge, DrawnGraph, DrawnNode } from "../contract.ts";

/** Pixels. */
const taskBox = { width: 220, height: 68 };
const fanOutBox = { width: 96, height: 36 };
const gap = { nodesep: 28, ranksep: 64, marginx: 24, marginy: 24 };

/** Beyond, the layout takes seconds and nobody can read it. */
const maxNodes = 200;

type Placed = { readonly x: number; readonly y: number };

export function drawnGraph(graph: RunGraph): DrawnGraph {
  const nodes = graph.nodes.slice(0, maxNodes);
  const edges = edgesBetween(nodes, withoutReturns(graph.edges));
  const layout = new graphlib.Graph({ multigraph: false });
  layout.setGraph({ rankdir: "LR", ...gap });
  layout.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) layout.setNode(node.id, { ...boxOf(node) });
  for (const { from, to } of edges) layout.setEdge(from, to, {});
  place(layout);
  const { width = 0, height = 0 } = layout.graph();
  return {
    width,
    height,
    nodes: nodes.map((node) => drawnNode(node, layout.node(node.id))),
    edges: edges.map((edge) => drawnEdge(edge, layout.edge(edge.from, edge.to).points)),
    isCut: graph.isCut === true || graph.nodes.length > maxNodes,
  };
}

const boxOf = ({ kind }: GraphNode): typeof taskBox => (kind === "each" ? fanOutBox : taskBox);

function drawnNode(node: GraphNode, { x, y }: Placed): DrawnNode {
  const { width, height } = boxOf(node);
  const planned =
    node.kind === "each"
      ? { kind: node.kind, planned: node.items, fanOuts: node.fanOuts }
      : { kind: node.kind, planned: node.tasks, fanOuts: 0 };
  return { id: node.id, ...planned, x: x - width / 2, y: y - height / 2, width, height };
}

const drawnEdge = ({ from, to, kind, count }: GraphEdge, points: readonly Placed[]): DrawnEdge => ({
  from,
  to,
  kind,
  count,
  points: points.map(({ x, y }) => [Math.round(x), Math.round(y)] as const),
});

/**
 * The results of a fan-out go from its last tasks to its readers: a line back to where the items began would be a circle.
 * @returns edges without `result`
 */
function withoutReturns(edges: readonly GraphEdge[]): GraphEdge[] {
  const lasts = Map.groupBy(
    edges.filter(({ kind }) => kind === "result"),
    ({ to }) => to,
  );
  /** Of a fan-out inside of another, the last tasks are those of the inner one. */
  const sourcesOf = (from: string, seen: readonly string[] = []): readonly string[] => {
    const found = lasts.get(from);
    if (found === undefined || seen.includes(from)) return [from];
    return found.flatMap((edge) => sourcesOf(edge.from, [...seen, from]));
  };
  return edges
    .filter(({ kind }) => kind !== "result")
    .flatMap((edge) =>
      edge.kind === "item" ? [edge] : sourcesOf(edge.from).map((from) => ({ ...edge, from })),
    );
}

/** One line between two boxes, of nodes that are drawn. */
function edgesBetween(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): GraphEdge[] {
  const drawn = new Set(nodes.map(({ id }) => id));
  const byEnds = new Map<string, GraphEdge>();
  for (const edge of edges) {
    if (!drawn.has(edge.from) || !drawn.has(edge.to) || edge.from === edge.to) continue;
    const ends = `${edge.from}\n${edge.to}`;
    const known = byEnds.get(ends);
    // What gives data is told before what is only waited for.
    const kind = known === undefined || known.kind === "after" ? edge.kind : known.kind;
    byEnds.set(ends, { ...edge, kind, count: edge.count + (known?.count ?? 0) });
  }
  return [...byEnds.values()];
}
