// Whose working directory a worker has.

import { expect, test } from "bun:test";

import { WorkingFolder } from "../../../src/executors/redis/machine/working-folder.ts";

test("one folder at a time, in the order of asking, and the own one when nobody is there", async () => {
  const folders: string[] = [];
  const working = new WorkingFolder("own", (folder) => folders.push(folder));
  const entered: string[] = [];
  const enter = async (name: string, folder?: string): Promise<void> => {
    await working.enter(folder);
    entered.push(name);
  };
  await enter("plain");
  await enter("plain too");
  expect([working.isTaken(undefined), working.isTaken("a")]).toEqual([false, true]);
  const a = enter("a", "a");
  // It came after a, and would let a wait for ever.
  expect(working.isTaken(undefined)).toBe(true);
  const late = enter("late");
  working.leave();
  working.leave();
  await a;
  expect(folders).toEqual(["a"]);
  expect(working.isTaken("a")).toBe(true);
  working.leave();
  await late;
  expect([entered, folders]).toEqual([
    ["plain", "plain too", "a", "late"],
    ["a", "own"],
  ]);
  working.leave();
  await enter("b", "b");
  expect(working.isTaken("b")).toBe(false);
  working.leave();
  expect(folders).toEqual(["a", "own", "b", "own"]);
});
