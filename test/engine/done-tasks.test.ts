import { expect, test } from "bun:test";
import { heapStats } from "bun:jsc";
import * as fc from "fast-check";
import { DoneTasks } from "../../src/engine/done-tasks.ts";
import { taskId, unknownPosition } from "../../src/protocol/ids.ts";
import { separator } from "../../src/protocol/codec/packed-text.ts";
import { staysInFile } from "../../src/protocol/wants-result.ts";

test("property: each task is found under its key once, in the order of the ids, also in a table that has grown", () => {
  const task = fc.record({
    key: fc.oneof(
      fc.constantFrom("a:1", "b:1", ""),
      fc.string().map((text) => `ü:${text}`),
    ),
    result: fc.constantFrom("null", "7", '"ü"', staysInFile),
  });
  const pages = fc.array(fc.array(task, { minLength: 1, maxLength: 60 }), { maxLength: 40 });
  fc.assert(
    fc.property(pages, (lists) => {
      const done = new DoneTasks();
      const byKey = new Map<
        string,
        { readonly id: number; readonly position: number; readonly result?: string | undefined }[]
      >();
      let id = 0;
      for (const list of lists) {
        const tasks = list.map(({ key, result }) => ({
          id: ++id,
          key: key.replaceAll(separator, ""),
          result,
        }));
        const isNull = tasks.every(({ result }) => result === "null");
        const page = {
          ids: tasks.map((each) => each.id).join(","),
          keys: tasks.map(({ key }) => key).join(separator),
          results: isNull ? null : tasks.map(({ result }) => result).join(separator),
          positions: null,
        };
        expect(Number(done.add(page))).toBe(id);
        for (const { key, result, ...each } of tasks) {
          const known = byKey.get(key) ?? [];
          known.push({
            ...each,
            position: each.id,
            result: result === staysInFile ? undefined : result,
          });
          byKey.set(key, known);
        }
      }
      const left = [...done.left()];
      expect(left.map((each) => `${each.key} ${each.id}`).toSorted()).toEqual(
        [...byKey].flatMap(([key, all]) => all.map((each) => `${key} ${each.id}`)).toSorted(),
      );
      for (const [key, all] of byKey) {
        expect(done.take("none")).toBeUndefined();
        const taken = all.map(() => ({ peeked: done.peek(key), taken: done.take(key) }));
        expect(taken.map((each) => each.taken) as unknown[]).toEqual(all);
        expect(taken.map(({ peeked }) => peeked?.id)).toEqual(taken.map((each) => each.taken?.id));
        expect([done.peek(key), done.take(key)]).toEqual([undefined, undefined]);
      }
      expect([done.size, [...done.left()]]).toEqual([0, []]);
    }),
  );
});

test("a key of which all tasks were taken gets more, and is found again", () => {
  const done = new DoneTasks();
  for (const id of [1, 2, 3]) {
    done.add({ ids: String(id), keys: "a", results: null, positions: null });
    expect(done.take("a")).toMatchObject({ id, result: "null" });
  }
});

test("one of several under a key is taken by its id, and the others stay in order", () => {
  const done = new DoneTasks();
  done.add({
    ids: "1,2,3",
    keys: ["a", "b", "a"].join(separator),
    results: ["1", "2", "3"].join(separator),
    positions: "0,0,-1",
  });
  const [keys, results] = [["a", "a"].join(separator), ["4", "5"].join(separator)];
  done.add({ ids: "4,5", keys, results, positions: "9,70368744177664" });
  const ids = (): number[] => Array.from(done.leftOf("a"), ({ id }) => Number(id));
  expect(ids()).toEqual([1, 3, 4, 5]);
  const [four, five] = [done.at("a", 9), done.at("a", 2 ** 46)];
  if (four === undefined || five === undefined) throw new Error("not found by their positions");
  expect(done.takeThis("a", four)).toEqual({ id: taskId(4), position: 9, result: "4" });
  expect(done.takeThis("a", five)).toMatchObject({ id: 5 });
  expect(done.takeThis("a", { id: taskId(1), position: 1 })).toMatchObject({ id: 1, position: 1 });
  expect([ids(), Array.from(done.left(), ({ key }) => key), done.size]).toEqual([
    [3],
    ["b", "a"],
    2,
  ]);
  expect(() => done.takeThis("a", four)).toThrow("Internal error: no task 4 of its key is left");
  expect(done.peek("a")).toEqual({ id: taskId(3), position: unknownPosition });
  expect([1, 3, 9, 2, unknownPosition].map((position) => done.at("a", position)?.id)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    taskId(3),
  ]);
  expect(done.take("a")).toMatchObject({ id: 3 });
  expect([done.take("a"), ids()]).toEqual([undefined, []]);
});

test("keys with different results are known", () => {
  const done = new DoneTasks();
  done.add({ ids: "1,2,3", keys: ["a", "b", "a"].join(separator), results: null, positions: null });
  expect([...done.differing]).toEqual([]);
  done.add({
    ids: "4,5",
    keys: ["a", "b"].join(separator),
    results: ["7", "null"].join(separator),
    positions: null,
  });
  expect([...done.differing]).toEqual(["a"]);
});

/** What is let go of, is so later. */
const later = () => new Promise((resolve) => void setImmediate(resolve));

test("property: tasks are found also after pages were let go of", async () => {
  const page = fc.array(fc.constantFrom("a", "b", "c", ""), { minLength: 1, maxLength: 4 });
  const cases = {
    pages: fc.array(page, { minLength: 8, maxLength: 30 }),
    by: fc.nat(),
    of: fc.nat(),
  };
  const property = fc.asyncProperty(fc.record(cases), async ({ pages, by, of }) => {
    const done = new DoneTasks();
    const left = new Map<string, number[]>();
    let id = 0;
    for (const keys of pages) {
      // Equal keys, and keys of their own.
      const own = keys.map((key, i) => (key === "" ? `${id + i + 1}` : key));
      const ids = own.map(() => ++id);
      const text = { ids: ids.join(","), keys: own.join(separator), results: null };
      done.add({ ...text, positions: ids.map((each) => each + 1000).join(",") });
      for (const [i, key] of own.entries()) left.set(key, [...(left.get(key) ?? []), ids[i] ?? 0]);
    }
    for (let step = 0; left.size > 0; step++) {
      const [key, ids] = [...left][(step * by) % left.size] ?? ["", []];
      const at = step % 3 === 0 ? (step * of) % ids.length : 0;
      const [taken = 0] = ids.splice(at, 1);
      const known = done.at(key, taken + 1000);
      expect(Number(known?.id)).toBe(taken);
      if (at === 0) expect(Number(done.take(key)?.id)).toBe(taken);
      else if (known !== undefined) done.takeThis(key, known);
      expect(done.at(key, taken + 1000)).toBeUndefined();
      if (ids.length === 0) left.delete(key);
      if (step % 5 === 0) await later();
      for (const [each, others] of left)
        expect(Array.from(done.leftOf(each), (other) => Number(other.id))).toEqual(others);
      expect(done.size).toBe([...left.values()].flat().length);
    }
    expect([...done.left()]).toEqual([]);
  });
  await fc.assert(property, { numRuns: 25 });
});

function heldBytes(): number {
  Bun.gc(true);
  return heapStats().extraMemorySize;
}

test("memory is given back while some tasks are never taken", async () => {
  const rows = 5000;
  const pageAt = (start: number) => {
    const ids = Array.from({ length: rows }, (_, i) => start + i + 1);
    const keys = ids.map((id) => `task:${id}`).join(separator);
    return { ids: ids.join(","), keys, results: ids.join(separator), positions: null };
  };
  const before = heldBytes();
  const done = new DoneTasks();
  for (let page = 0; page < 20; page++) done.add(pageAt(page * rows));
  const full = heldBytes() - before;
  for (let id = 2; id <= 20 * rows; id++) done.take(`task:${id}`);
  await later();
  await later();
  expect(heldBytes() - before).toBeLessThan(full / 3);
  expect(done.take("task:1")).toMatchObject({ id: 1, result: "1" });
});
