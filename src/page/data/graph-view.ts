// The graph of a run. It is placed once for each state of the plan.

import { JSON } from "../../base/globals.ts";
import { runId } from "../../protocol/ids.ts";
import { storedGraph } from "../../store/read/stored-graph.ts";
import type { Asked } from "../asked.ts";
import type { DrawnGraph } from "../contract.ts";
import type { PageDatabase } from "../page-database.ts";
import { drawnGraph } from "./graph-layout.ts";

export function graphView({ reader, graphs }: PageDatabase, { ids }: Asked): DrawnGraph {
  const graph = storedGraph(reader, runId(ids[0] ?? 0));
  return graphs.of(JSON.stringify(graph), () => drawnGraph(graph));
}
