// The graph of a run. It is placed once for each state of the plan.

import { JSON } from "../../base/globals.ts";
import { runId } from "../../protocol/ids.ts";
import { storedGraph } from "../../store/read/stored-graph.ts";
import type { Asked } from "../asked.ts";
import type { DrawnGraph } from "../contract.ts";
import type { PageDatabase } from "../page-database.ts";
import { drawnGraph } from "./graph-layout.ts";

/** Runs whose graphs are kept: those that people look at. */
const maxKept = 20;

type Kept = { readonly stored: string; readonly drawn: DrawnGraph };

const kept = new WeakMap<PageDatabase, Map<number, Kept>>();

export function graphView(database: PageDatabase, { ids }: Asked): DrawnGraph {
  const id = ids[0] ?? 0;
  const graph = storedGraph(database.reader, runId(id));
  const stored = JSON.stringify(graph);
  const known = kept.get(database) ?? new Map<number, Kept>();
  kept.set(database, known);
  const before = known.get(id);
  if (before?.stored === stored) return before.drawn;
  const drawn = drawnGraph(graph);
  known.delete(id);
  known.set(id, { stored, drawn });
  for (const [first] of known) if (known.size > maxKept) known.delete(first);
  return drawn;
}
