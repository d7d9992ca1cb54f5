// The graph that a new node belongs to. Two runs of one program may plan at the same time, also in asynchronous code.

import { AsyncLocalStorage } from "node:async_hooks";

import { onNodeCreated } from "../api/node.ts";
import type { Graph } from "./graph.ts";

/** Set while synchronous code plans. An AsyncLocalStorage for each top up cost 4 % of a run of short tasks. */
let current: Graph | undefined;
const later = new AsyncLocalStorage<Graph>();
onNodeCreated((node) => (current ?? later.getStore())?.created(node));

/** Runs synchronous code of the author's. The nodes that it creates belong to the graph. */
export function planNow<Result>(graph: Graph, work: () => Result): Result {
  const before = current;
  current = graph;
  try {
    return work();
  } finally {
    current = before;
  }
}

/** Runs code of the author's. The nodes that it creates, also later, belong to the graph. */
export const planLater = <Result>(graph: Graph, work: () => Result): Result =>
  later.run(graph, work);

/** Runs asynchronous code of the author's within `planNow`. */
export const goOnLater = <Result>(work: () => Result): Result =>
  current === undefined ? work() : later.run(current, work);
