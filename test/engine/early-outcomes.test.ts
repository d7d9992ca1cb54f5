// What the plan alone decides, before the database is open, is in the file as well.

import { expect, test } from "bun:test";

import { each } from "../../src/api/node.ts";
import { task } from "../../src/api/task.ts";
import { simulated } from "../support/simulated.ts";

test("a fan-out over what is no list: the task that reads it is skipped, with an id of its own", () => {
  const process = simulated(() => {
    const load = task<{ x: unknown }>({ name: "load", run: () => null });
    const other = task({ name: "other", run: () => null });
    const sum = task<{ xs: unknown[] }>({ name: "sum", run: () => null });
    const items = { first: 1 } as unknown as number[];
    return [other(), sum({ xs: each(items, (x) => load({ x })) })];
  });
  process.run();
  expect(process.summary).toMatchObject({ status: "error", total: 2, done: 1, skipped: 1 });
  const ended = process.events.flatMap((event) =>
    event.type === "task-finished" ? [{ id: Number(event.id), name: event.name }] : [],
  );
  expect(ended.toSorted((a, b) => a.id - b.id).map(({ id }) => id)).toEqual([1, 2]);
  expect(ended.map(({ name }) => name).toSorted()).toEqual(["other", "sum"]);
});
