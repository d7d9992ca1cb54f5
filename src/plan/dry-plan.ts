// The plan of `--dry-run`: the nodes that the author has created, checked as a run would check them.

import { exactDuration } from "../base/format-duration.ts";
import { type AnyNode, type EachNode, isNode, type TaskNode } from "../api/node.ts";
import type { Pipeline } from "../api/pipeline.ts";
import type { Plan, PlanNode } from "../protocol/plan.ts";
import { noTags, tagsIn } from "../protocol/tags.ts";
import { dependenciesOf, inputNodes } from "./dependencies.ts";
import { DryItems } from "./dry-items.ts";
import { Graph } from "./graph.ts";
import { planLater } from "./current-graph.ts";
import type { Selection } from "./selection.ts";
import { nodesOf, type NodeStream, workOf } from "./yielded-nodes.ts";

/** Of a generator, only the first nodes are shown. */
const maxStreamed = 1000;

const nothing = (): void => undefined;
const noEvents = {
  planned: nothing,
  ready: nothing,
  readLate: nothing,
  skipped: nothing,
  fanOutFailed: nothing,
};

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
    const isWhole = !more && graph.isUnfolded;
    if (isWhole && selection === undefined) graph.assertAllReached();
    const only = isWhole ? selection?.result(graph.tasks) : selection?.unknown;
    const walk = new Walk(new DryItems(pipeline.origin ?? ""));
    const roots = nodes.filter((node) => isNode(node)).map((node) => walk.visit(node));
    const plan = { pipeline: pipeline.name, nodes: walk.nodes, roots, more };
    return only === undefined ? plan : { ...plan, only };
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
  readonly #items: DryItems;
  /** The fan-out whose items are visited, and how many of them a visited node stands for. */
  #inside: { readonly each: number | null; readonly count: number | null } = {
    each: null,
    count: 1,
  };

  constructor(items: DryItems) {
    this.#items = items;
  }

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
    const { each: inside, count } = this.#inside;
    if (node.kind === "task") {
      const after = (node.settings?.after ?? []).map((before) => this.#idOf(before));
      const name = node.settings?.name ?? node.definition.name;
      const settings = settingsOf(node);
      this.nodes.push({ id, kind: "task", name, needs, after, settings, count, inside });
    } else {
      const items = Array.isArray(node.source) ? node.source.length : null;
      const exits: number[] = [];
      const common = { after: [], settings: [], count, inside, items, exits };
      this.nodes.push({ id, kind: "each", name: "each", needs, ...common });
      this.#addItems(node, id, exits);
    }
  }

  #addItems(each: EachNode, id: number, exits: number[]): void {
    const around = this.#inside;
    const { isAll } = this.#items.of(each);
    for (const [nodes = [], ...others] of this.#items.alike(each, this.#ids)) {
      const count = isAll && around.count !== null ? around.count * (1 + others.length) : null;
      this.#inside = { each: id, count };
      for (const node of nodes) exits.push(this.visit(node));
    }
    this.#inside = around;
  }
}

function settingsOf({ definition, settings }: TaskNode): string[] {
  const retries = settings?.retries ?? definition.retries;
  const timeoutMs = settings?.timeoutMs ?? definition.timeoutMs;
  const pool = settings?.pool ?? definition.pool;
  const priority = settings?.priority ?? definition.priority;
  const on = settings?.on ?? definition.on;
  const optional = settings?.optional ?? definition.optional;
  return [
    ...(retries.limit > 0 ? [`retries ${retries.limit}`] : []),
    ...(timeoutMs === undefined ? [] : [`timeout ${exactDuration(timeoutMs)}`]),
    ...(pool === undefined ? [] : [`pool ${pool}`]),
    ...(priority === 0 ? [] : [`priority ${priority}`]),
    ...(on === noTags ? [] : [`on ${tagsIn(on).join(" and ")}`]),
    ...(optional ? ["optional"] : []),
  ];
}
