// What a node depends on, read from the node alone.

import type { AnyNode } from "../api/node.ts";
import { holdsNode, nodesIn } from "./template.ts";

/** The nodes whose results a node reads. */
export const inputNodes = (node: AnyNode): AnyNode[] =>
  node.kind === "task"
    ? nodesIn(node.input)
    : Array.isArray(node.source)
      ? []
      : nodesIn(node.source);

/** All nodes that must end first, without duplicates: those that it reads, and those of `after`. */
export function dependenciesOf(node: AnyNode): AnyNode[] {
  const inputs = inputNodes(node);
  return node.kind === "task" && node.settings?.after !== undefined
    ? [...new Set([...inputs, ...node.settings.after])]
    : inputs;
}

/** A task without dependencies: the common case of a stream. */
export const isLeaf = (node: AnyNode): boolean =>
  node.kind === "task" && node.settings?.after === undefined && !holdsNode(node.input);
