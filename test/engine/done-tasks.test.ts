import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { DoneTasks } from "../../src/engine/done-tasks.ts";
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
      const byKey = new Map<string, unknown[]>();
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
        };
        expect(Number(done.add(page))).toBe(id);
        for (const { key, result, ...each } of tasks) {
          const known = byKey.get(key) ?? [];
          known.push({ ...each, result: result === staysInFile ? undefined : result });
          byKey.set(key, known);
        }
      }
      expect(Array.from(done.left()).toSorted()).toEqual(
        [...byKey].flatMap(([key, all]) => all.map(() => key)).toSorted(),
      );
      for (const [key, all] of byKey) {
        expect(done.take("none")).toBeUndefined();
        const taken = all.map(() => ({ peeked: done.peek(key), taken: done.take(key) }));
        expect(taken.map((each) => each.taken) as unknown[]).toEqual(all);
        expect(taken.map(({ peeked }) => peeked)).toEqual(taken.map((each) => each.taken?.id));
        expect([done.peek(key), done.take(key)]).toEqual([undefined, undefined]);
      }
      expect([done.size, [...done.left()]]).toEqual([0, []]);
    }),
  );
});

test("a key of which all tasks were taken gets more, and is found again", () => {
  const done = new DoneTasks();
  for (const id of [1, 2, 3]) {
    done.add({ ids: String(id), keys: "a", results: null });
    expect(done.take("a")).toMatchObject({ id, result: "null" });
  }
});
