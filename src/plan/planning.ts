// Which graph a new node belongs to. Two runs of one program may plan at the same time, also in asynchronous code.

import { AsyncLocalStorage } from "node:async_hooks";

import { onNodeCreated } from "../api/node.ts";
import type { Graph } from "./graph.ts";

const planned = new AsyncLocalStorage<Graph>();
onNodeCreated((node) => planned.getStore()?.created(node));

/** `work` runs code of the author's: the nodes that it makes, at once or later, are the graph's. */
export const planningFor = <Result>(graph: Graph, work: () => Result): Result =>
  planned.run(graph, work);
