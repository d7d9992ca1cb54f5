import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { RestoredTasks } from "../../src/engine/restored-tasks.ts";
import { taskId } from "../../src/protocol/ids.ts";
import type { RestoredTask } from "../../src/protocol/messages.ts";
import { pageOf } from "../support/restored.ts";

const known = (id: number, key: string, more: Partial<RestoredTask> = {}): RestoredTask => ({
  id: taskId(id),
  key,
  status: "done",
  attempt: 1,
  result: "null",
  cursor: null,
  position: id,
  ...more,
});

const restored = (...added: RestoredTask[]): RestoredTasks => {
  const tasks = new RestoredTasks();
  for (const each of added) tasks.addPage(pageOf(each));
  return tasks;
};

test("what was open and nobody asked for is what the file does not plan any more", () => {
  const tasks = new RestoredTasks();
  tasks.addPage(pageOf(known(1, "a", { status: "open" })));
  tasks.addPage(pageOf(known(2, "a")));
  tasks.addPage(pageOf(known(3, "b", { status: "open" })));
  tasks.addPage(pageOf(known(4, "c", { status: "open" })));
  tasks.addPage(pageOf(known(5, "d", { status: "failed" })));
  tasks.take("a", false);
  tasks.take("c", false);
  expect([...tasks.open()].map(({ id }) => Number(id))).toEqual([3, 5]);
});

test("what was done and nobody asked for is counted by its task's name, and its ids are ranges", () => {
  const tasks = new RestoredTasks();
  for (const [i, key] of ["a:b:1", "a:b:1", "a:b:2", "c:1", "d:1"].entries()) {
    tasks.addPage(pageOf(known(i + 1, key)));
  }
  tasks.addPage(pageOf(known(9, "e:1", { status: "open" })));
  tasks.take("a:b:1", false);
  tasks.take("d:1", false);
  const left = tasks.leftDone();
  expect([...left.counts]).toEqual([
    ["a:b", 2],
    ["c", 1],
  ]);
  expect([left.size, JSON.stringify(left.ranges)]).toEqual([3, "[[2,4]]"]);
});

describe("what is left of a key", () => {
  test("is listed in the order of the ids, done or not", () => {
    const open = { status: "open" } as const;
    const tasks = restored(known(1, "a", open), known(2, "a"), known(3, "b"), known(4, "a", open));
    expect(Array.from(tasks.leftOf("a"), ({ id }) => Number(id))).toEqual([1, 2, 4]);
    tasks.take("a", false, false, { id: taskId(4), position: 4 });
    expect(Array.from(tasks.leftOf("a"), ({ id }) => Number(id))).toEqual([1, 2]);
  });

  test("may be taken while it is listed", () => {
    const open = { status: "open" } as const;
    const tasks = restored(known(1, "a"), known(2, "a"), known(3, "a", open), known(4, "a", open));
    const left = tasks.leftOf("a");
    const ids: number[] = [];
    for (let next = left.next(); next.done !== true; next = left.next()) {
      ids.push(Number(next.value.id));
      tasks.take("a", false, false, next.value);
      // Another task takes the next one.
      tasks.take("a", false);
    }
    expect(ids).toEqual([1, 3]);
    expect(tasks.isEmpty).toBe(true);
  });

  test("is not compared where it is too much", () => {
    const tasks = restored(known(1, "a"), known(2, "a"));
    expect([tasks.doneOf("a", 2).length, tasks.doneOf("a", 1).length]).toEqual([2, 0]);
  });
});

test("a task may be none of those of its key", () => {
  const tasks = new RestoredTasks();
  tasks.addPage(pageOf(known(1, "a")));
  expect(tasks.take("a", false, false, null)).toBeUndefined();
  expect(Number(tasks.take("a", false)?.id)).toBe(1);
});

describe("what is known", () => {
  test("is handed out once, in the order of the calls", () => {
    const tasks = new RestoredTasks();
    tasks.addPage(pageOf(known(1, "a", { status: "open" })));
    tasks.addPage(pageOf(known(2, "a", { result: "7" })));
    tasks.addPage(pageOf(known(3, "a")));
    expect(tasks.maxId).toBe(3);
    const taken = [1, 2, 3, 4].map(() => tasks.take("a", false));
    expect(taken.map((task) => task && [Number(task.id), task.status, task.result])).toEqual([
      [1, "open", "null"],
      [2, "done", "7"],
      [3, "done", "null"],
      undefined,
    ]);
    expect(tasks.reused).toBe(2);
  });

  test("failed is handed out to what is optional, and to others as open, with all attempts", () => {
    const failed = { status: "failed", attempt: 3, result: "{}", cursor: "1" } as const;
    const tasks = new RestoredTasks();
    for (const key of ["a", "b"]) {
      tasks.addPage(pageOf(known(1, key, { status: "open" })));
      tasks.addPage(pageOf(known(2, key, failed)));
      tasks.addPage(pageOf(known(3, key)));
    }
    const taken = (key: string, optional: boolean): unknown[] =>
      [1, 2, 3].map(() => {
        const { id, status, attempt, result } = tasks.take(key, optional) ?? {};
        return [Number(id), status, attempt, result];
      });
    expect(taken("a", true)).toEqual([
      [1, "open", 1, "null"],
      [2, "failed", 3, "{}"],
      [3, "done", 1, "null"],
    ]);
    expect(taken("b", false)).toEqual([
      [1, "open", 1, "null"],
      [2, "open", 0, null],
      [3, "done", 1, "null"],
    ]);
    expect(tasks.reused).toBe(2);
  });

  test("of another key is not", () => {
    const tasks = new RestoredTasks();
    tasks.addPage(pageOf(known(1, "a")));
    expect(tasks.take("b", false)).toBeUndefined();
    expect(tasks.take("a", false)).toMatchObject({ id: taskId(1), result: "null" });
  });
});

test("property: each is handed out exactly once under its own key, in order", () => {
  const entry = fc.record({ key: fc.constantFrom("a", "b", "c"), isDone: fc.boolean() });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 30 }), (entries) => {
      const tasks = new RestoredTasks();
      for (const [i, { key, isDone }] of entries.entries()) {
        tasks.addPage(pageOf(known(i + 1, key, isDone ? {} : { status: "open", cursor: "1" })));
      }
      for (const key of ["a", "b", "c"]) {
        const own = entries.flatMap((each, i) => (each.key === key ? [i + 1] : []));
        const taken: RestoredTask[] = [];
        for (let next = tasks.take(key, false); next !== undefined; next = tasks.take(key, false)) {
          taken.push(next);
        }
        expect(taken.map(({ id }) => Number(id))).toEqual(own);
      }
      expect(tasks.reused).toBe(entries.filter(({ isDone }) => isDone).length);
    }),
  );
});
