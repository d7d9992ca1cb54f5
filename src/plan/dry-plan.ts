// The plan of `--dry-run`: the nodes that the author has created, checked as a run would check them.

import { type AnyNode, isNode, type TaskNode } from "../api/node.ts";
import type { Pipeline } from "../api/pipeline.ts";
import type { Plan, PlanNode } from "../protocol/plan.ts";
import { dependenciesOf, inputNodes } from "./dependencies.ts";
import { Graph } from "./graph.ts";
import { planLater } from "./current-graph.ts";
import type { Selection } from "./selection.ts";
import { nodesOf, type NodeStream, workOf } from "./work.ts";

/** Of a generator, only the first nodes are shown. */
const maxStreamed = 1000;

const nothing = (): void => undefined;
const noEvents = { ready: nothing, readLate: nothing, skipped: nothing, fanOutFailed: nothing };

/**
 * @param selection undefined: the whole plan
 * @throws PlanError, also for what `tasks` throws
 */
export async function planOf(
  pipeline: Pipeline,
  params: Record<string, unknown>,
  selection: Selection | undefined,
): Promise<Plan> {
  const graph = new Graph(noEvents, pipeline.pools);
  return planLater(graph, async () => {
    const work = nodesOf(await workOf(pipeline, params));
    const { nodes: all, more } =
      work.kind === "all" ? { nodes: work.nodes, more: false } : await firstOf(work.stream);
    const nodes = selection?.pick(all) ?? all;
    graph.addAll(nodes, () => false);
    if (!more && graph.isUnfolded) {
      if (selection === undefined) graph.assertAllReached();
      else selection.result(graph.tasks);
    }
    const walk = new Walk();
    const roots = nodes.filter((node) => isNode(node)).map((node) => walk.visit(node));
    return { pipeline: pipeline.name, nodes: walk.nodes, roots, more };
  });
}

async function firstOf(stream: NodeStream): Promise<{ nodes: unknown[]; more: boolean }> {
  const nodes: unknown[] = [];
  while (nodes.length < maxStreamed && !stream.isDone) {
    const next = stream.pull(
      () => undefined,
      () => undefined,
    );
    if (next !== undefined) nodes.push(next.node);
    else if (stream.isPending) nodes.push(...(await stream.pending()));
  }
  const more = !stream.isDone;
  stream.close();
  return { nodes, more };
}

class Walk {
  readonly nodes: PlanNode[] = [];
  readonly #ids = new Map<AnyNode, number>();

  /** Dependencies first, without recursion: a chain may be deeper than the call stack. */
  visit(root: AnyNode): number {
    const stack: AnyNode[] = [root];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const open = this.#ids.has(top)
        ? []
        : dependenciesOf(top).filter((node) => !this.#ids.has(node));
      if (open.length > 0) for (const node of open) stack.push(node);
      else {
        stack.pop();
        if (!this.#ids.has(top)) this.#add(top);
      }
    }
    return this.#idOf(root);
  }

  #idOf(node: AnyNode): number {
    const id = this.#ids.get(node);
    if (id === undefined) throw new Error("Internal error: a node comes before its dependency");
    return id;
  }

  #add(node: AnyNode): void {
    const id = this.nodes.length + 1;
    this.#ids.set(node, id);
    const needs = [...new Set(inputNodes(node).map((dependency) => this.#idOf(dependency)))];
    if (node.kind === "task") {
      const after = (node.settings?.after ?? []).map((before) => this.#idOf(before));
      const name = node.settings?.name ?? node.definition.name;
      this.nodes.push({ id, kind: "task", name, needs, after, settings: settingsOf(node) });
    } else {
      const items = Array.isArray(node.source) ? node.source.length : null;
      this.nodes.push({ id, kind: "each", name: "each", needs, after: [], settings: [], items });
    }
  }
}

function settingsOf({ definition, settings }: TaskNode): string[] {
  const retries = settings?.retries ?? definition.retries;
  const timeoutMs = settings?.timeoutMs ?? definition.timeoutMs;
  const pool = settings?.pool ?? definition.pool;
  const priority = settings?.priority ?? definition.priority;
  const optional = settings?.optional ?? definition.optional;
  return [
    ...(retries.limit > 0 ? [`retries ${retries.limit}`] : []),
    ...(timeoutMs === undefined ? [] : [`timeout ${timeoutMs} ms`]),
    ...(pool === undefined ? [] : [`pool ${pool}`]),
    ...(priority === 0 ? [] : [`priority ${priority}`]),
    ...(optional ? ["optional"] : []),
  ];
}
