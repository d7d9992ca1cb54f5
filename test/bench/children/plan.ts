// Plans nodes with the engine's graph in a separate process. Each group has eight tasks that depend on one task, and
// one task that depends on the eight.
//
//   bun plan.ts <nodes>

import { task } from "../../../src/api/task.ts";
import { planNow } from "../../../src/plan/current-graph.ts";
import { Graph } from "../../../src/plan/graph.ts";
import type { TaskVertex } from "../../../src/plan/vertex.ts";

const nodes = Number(process.argv[2] ?? 100_000);
const perGroup = 10;

const source = task({ name: "source", run: ({ i }: { i: number }) => [i] });
const step = task({ name: "step", run: ({ from }: { from: number[] }) => from.length });
const merge = task({ name: "merge", run: ({ parts }: { parts: number[] }) => parts.length });

function group(i: number) {
  const from = source({ i });
  return merge({ parts: Array.from({ length: perGroup - 2 }, () => step({ from })) });
}
const groups = () => Array.from({ length: nodes / perGroup }, (_, i) => group(i));

/** Creating the nodes is the user's code, and the lower bound for planning. */
const bareBegan = performance.now();
groups();
const bareMs = performance.now() - bareBegan;

const ready: TaskVertex[] = [];
const graph = new Graph(
  {
    ready: (vertex) => void ready.push(vertex),
    readLate: () => undefined,
    skipped: () => undefined,
    planned: () => undefined,
    fanOutFailed: () => undefined,
  },
  new Set(),
);
const began = performance.now();
planNow(graph, () => {
  for (const node of groups()) graph.add(node);
});
graph.assertAllReached();
const planMs = performance.now() - began;
if (graph.tasks !== nodes || ready.length !== nodes / perGroup) {
  throw new Error(`planned ${graph.tasks} of ${nodes}, ${ready.length} are ready`);
}
// Gives the parent time to sample the peak memory.
await Bun.sleep(50);
console.log(JSON.stringify({ planMs, bareMs }));
