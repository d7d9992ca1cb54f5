// What is beside what in a drawn graph: where the arrow keys go, what a box is connected with, what a fan-out makes. Pure.

import type { DrawnGraph, DrawnNode } from "../contract.ts";

/** The box and those that a line joins to it. */
export function neighbours({ edges }: DrawnGraph, id: string): ReadonlySet<string> {
  const near = new Set([id]);
  for (const { from, to } of edges) {
    if (from === id) near.add(to);
    if (to === id) near.add(from);
  }
  return near;
}

/** Left and right go along the lines, up and down to the next box of the column. Undefined: there is none, or it is another key. */
export function nextNode(graph: DrawnGraph, id: string, key: string): string | undefined {
  const here = graph.nodes.find((node) => node.id === id);
  if (here === undefined) return undefined;
  return nearest(here, candidates(graph, here, key))?.id;
}

function candidates({ nodes, edges }: DrawnGraph, here: DrawnNode, key: string): DrawnNode[] {
  const joined = (ids: readonly string[]): DrawnNode[] =>
    nodes.filter(({ id }) => ids.includes(id));
  const inColumn = nodes.filter(
    (node) => node.x < here.x + here.width && here.x < node.x + node.width,
  );
  switch (key) {
    case "ArrowRight":
      return joined(edges.flatMap(({ from, to }) => (from === here.id ? [to] : [])));
    case "ArrowLeft":
      return joined(edges.flatMap(({ from, to }) => (to === here.id ? [from] : [])));
    case "ArrowDown":
      return inColumn.filter(({ y }) => y > here.y);
    case "ArrowUp":
      return inColumn.filter(({ y }) => y < here.y);
    default:
      return [];
  }
}

const middle = ({ y, height }: DrawnNode): number => y + height / 2;

function nearest(here: DrawnNode, among: readonly DrawnNode[]): DrawnNode | undefined {
  const away = (node: DrawnNode): number => Math.abs(middle(node) - middle(here));
  return among.toSorted((a, b) => away(a) - away(b))[0];
}

/** The definitions of the tasks that begin an item of a fan-out, also of the fan-outs inside of it. */
export function itemsOf({ nodes, edges }: DrawnGraph, fanOut: string): readonly string[] {
  const kinds = new Map(nodes.map(({ id, kind }) => [id, kind]));
  const seen = new Set<string>([fanOut]);
  for (const id of seen)
    for (const { from, to, kind } of edges)
      if (from === id && kind === "item" && kinds.get(id) === "each") seen.add(to);
  return [...seen].filter((id) => kinds.get(id) === "task");
}
