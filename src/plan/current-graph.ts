// The graph that a new node belongs to. Two runs of one program may plan at the same time, also in asynchronous code.

import { AsyncLocalStorage } from "node:async_hooks";

import { onNodeCreated } from "../api/node.ts";
import type { Graph } from "./graph.ts";

const current = new AsyncLocalStorage<Graph>();
onNodeCreated((node) => current.getStore()?.created(node));

/** Runs code of the author's. The nodes that it creates, also later, belong to the graph. */
export const planningFor = <Result>(graph: Graph, work: () => Result): Result =>
  current.run(graph, work);
