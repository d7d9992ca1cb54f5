// Places the task definitions of a run: boxes and lines, in the direction of the flow. Done here and not in the browser, whose one
// thread draws. Pure.

import { graphlib, layout as place } from "@dagrejs/dagre";

import type { GraphEdge, GraphNode, RunGraph } from "../../protocol/run-graph.ts";
import type { DrawnEdge, DrawnGraph, DrawnNode } from "../contract.ts";

/** Pixels. */
const roomy = {
  task: { width: 220, height: 68 },
  each: { width: 96, height: 36 },
  gap: { nodesep: 28, ranksep: 80, marginx: 24, marginy: 24 },
};
/** A box has its name and its bar: three times as many are seen at once. */
const dense = {
  task: { width: 180, height: 30 },
  each: { width: 72, height: 26 },
  gap: { nodesep: 8, ranksep: 44, marginx: 16, marginy: 16 },
};
const maxRoomy = 40;

/** Beyond, the layout takes seconds and nobody can read it. */
const maxNodes = 200;

type Point = { readonly x: number; readonly y: number };
/** Its middle is at x and y. */
type Placed = Point & { readonly width: number; readonly height: number };

export function drawnGraph(graph: RunGraph): DrawnGraph {
  const nodes = graph.nodes.slice(0, maxNodes);
  const edges = edgesBetween(nodes, withoutReturns(graph.edges));
  const layout = new graphlib.Graph({ multigraph: false });
  const sizes = nodes.length > maxRoomy ? dense : roomy;
  layout.setGraph({ rankdir: "LR", ...sizes.gap });
  layout.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) layout.setNode(node.id, { ...sizes[node.kind] });
  for (const { from, to } of edges) layout.setEdge(from, to, {});
  place(layout);
  const { width = 0, height = 0 } = layout.graph();
  return {
    width,
    height,
    isDense: sizes === dense,
    nodes: nodes.map((node) => drawnNode(node, layout.node(node.id))),
    edges: edges.map((edge) => {
      const ends = [layout.node(edge.from), layout.node(edge.to)] as const;
      return drawnEdge(edge, ends, layout.edge(edge.from, edge.to).points);
    }),
    isCut: graph.isCut === true || graph.nodes.length > maxNodes,
  };
}

function drawnNode(node: GraphNode, { x, y, width, height }: Placed): DrawnNode {
  const planned =
    node.kind === "each"
      ? { kind: node.kind, planned: node.items, fanOuts: node.fanOuts }
      : { kind: node.kind, planned: node.tasks, fanOuts: 0 };
  return { id: node.id, ...planned, x: x - width / 2, y: y - height / 2, width, height };
}

/** Lines leave a box in the middle of its right side and come in on the left: the places of the layout are anywhere at its border. */
function drawnEdge(
  { from, to, kind, count }: GraphEdge,
  [first, last]: readonly [Placed, Placed],
  points: readonly Point[],
): DrawnEdge {
  const all = [
    { x: first.x + first.width / 2, y: first.y },
    ...points.slice(1, -1),
    { x: last.x - last.width / 2, y: last.y },
  ];
  return {
    from,
    to,
    kind,
    count,
    points: all.map(({ x, y }) => [Math.round(x), Math.round(y)] as const),
  };
}

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
