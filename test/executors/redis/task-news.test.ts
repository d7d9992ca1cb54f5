// What a machine learns from the texts that its threads send the writer.

import { expect, test } from "bun:test";

import { ShownTasks } from "../../../src/executors/redis/machine/shown-tasks.ts";
import { taskNewsIn } from "../../../src/executors/redis/machine/task-news.ts";
import { taskId } from "../../../src/protocol/ids.ts";
import type { Outcome, TaskRecord } from "../../../src/protocol/writer-records.ts";

const named = (id: number) => ({ id: taskId(id), name: `t${id}`, key: `t:${id}` });
const started = (id: number): TaskRecord => ({
  type: "started",
  ...named(id),
  input: '{"n":1}',
  attempt: 1,
  at: 1_000,
});
const ended = (id: number, outcome: Outcome): TaskRecord => ({
  type: "finished",
  ...named(id),
  attempt: 1,
  startedAt: 1_000,
  at: 1_002,
  outcome,
  wantsResult: "no",
});
const progressed = (id: number, progress: number, message?: string): TaskRecord => ({
  type: "progress",
  id: taskId(id),
  progress,
  ...(message === undefined ? {} : { message }),
});
const failure = { name: "E", message: "why" };
const text = (...records: readonly TaskRecord[]): string => JSON.stringify(records);

test("ends are counted by their outcomes", () => {
  const all = text(
    ended(1, { status: "done", result: "null" }),
    ended(2, { status: "error", failure }),
    ended(3, { status: "error", failure, retryAt: 9 }),
    ended(4, { status: "cancelled", failure }),
  );
  const news = { ended: [1, 2, 3, 4], done: 1, failed: 2, shown: [] };
  expect(taskNewsIn(all, false)).toEqual(news as unknown as ReturnType<typeof taskNewsIn>);
});

test("what begins is read only where somebody looks", () => {
  const begins = text(started(1), progressed(1, 0.5));
  expect(taskNewsIn(begins, false)).toBeUndefined();
  expect(taskNewsIn(begins, true)?.shown).toHaveLength(2);
});

test("a task is shown from its start to its end, at this machine's time", () => {
  const tasks = new ShownTasks(-400);
  const add = (...records: readonly TaskRecord[]): void => {
    const news = taskNewsIn(text(...records), true);
    if (news !== undefined) tasks.add(news);
  };
  add(started(1), started(2), progressed(1, 0.25, "half of a half"));
  add(progressed(1, 0.5), progressed(9, 0.1));
  const first = { id: 1, name: "t1", input: '{"n":1}', startedAt: 600, attempt: 1 };
  expect(tasks.all).toMatchObject([
    { ...first, progress: 0.5, message: "half of a half" },
    { name: "t2" },
  ]);
  add(ended(1, { status: "done", result: "null" }));
  expect(tasks.all.map(({ name }) => name)).toEqual(["t2"]);
});
