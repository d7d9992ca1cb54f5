// The graph of a run as the file has it. What pipeloom cannot have written is left out.

import { JSON } from "../../base/globals.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { GraphEdge, GraphNode, RunGraph } from "../../protocol/run-graph.ts";
import type { Queries } from "../queries.ts";
import { text } from "./stored-values.ts";

/** Empty where there is none. */
export function storedGraph(db: Queries, run: RunId): RunGraph {
  // `*`, because a file of an earlier version has no graph.
  const [row] = db.query("SELECT * FROM pipeline_runs WHERE id = ?", [run]);
  const graph = parsed(text(row?.["graph"]));
  const nodes = listIn(graph, "nodes").filter(isNode);
  const edges = listIn(graph, "edges").filter(isEdge);
  return {
    nodes,
    edges,
    ...(member(graph, "isCut") === true ? { isCut: true } : undefined),
    ...(member(graph, "labels") === "members" ? { labels: "members" } : undefined),
  };
}

function parsed(json: string | null): unknown {
  try {
    return JSON.parse(json ?? "null");
  } catch {
    return null;
  }
}

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

function listIn(value: unknown, name: string): readonly unknown[] {
  const list = member(value, name);
  return Array.isArray(list) ? list : [];
}

function isNode(value: unknown): value is GraphNode {
  if (typeof member(value, "id") !== "string") return false;
  if (member(value, "kind") === "each") return typeof member(value, "items") === "number";
  return (
    member(value, "kind") === "task" &&
    typeof member(value, "tasks") === "number" &&
    (member(value, "names") === undefined || listIn(value, "names").every(Array.isArray))
  );
}

const isEdge = (value: unknown): value is GraphEdge =>
  ["from", "to", "kind"].every((name) => typeof member(value, name) === "string");
