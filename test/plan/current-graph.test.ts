import { expect, test } from "bun:test";

import { each, task } from "../../src/index.ts";
import { Graph } from "../../src/plan/graph.ts";
import { goOnLater, planLater, planNow } from "../../src/plan/current-graph.ts";

const nothing = (): void => undefined;
const newGraph = (): Graph =>
  new Graph(
    {
      planned: nothing,
      ready: nothing,
      readLate: nothing,
      skipped: nothing,
      fanOutFailed: nothing,
    },
    new Set(),
  );
const named = task({ name: "planning: named", run: () => undefined });
const make = (name: string): unknown => named(undefined, { name });

test("a node belongs to the graph that it was created for, also when two are planned at the same time", async () => {
  const [one, other] = [newGraph(), newGraph()];
  const turn = Promise.withResolvers<void>();
  const first = planLater(one, async () => {
    await turn.promise;
    make("of one");
    each([1], () => make("of none yet"));
  });
  const second = planNow(other, () => {
    make("of other");
    return goOnLater(async () => {
      await turn.promise;
      make("of other, later");
    });
  });
  make("of nobody");
  turn.resolve();
  await Promise.all([first, second]);
  expect(() => one.assertAllReached()).toThrow(
    'task "of one" was called in `tasks`, but nothing returned depends on it, so it would not run (and 1 more)',
  );
  expect(() => other.assertAllReached()).toThrow(
    'task "of other" was called in `tasks`, but nothing returned depends on it, so it would not run (and 1 more)',
  );
});
