import { expect, test } from "bun:test";

import { programCapacity, Programs } from "../../../src/protocol/shared/programs.ts";

test("what one thread starts another sees, by workerId, until it has ended", () => {
  const programs = Programs.create();
  const other = Programs.from(programs.buffer);
  const first = programs.enter(0);
  expect(other.isStarting(0)).toBe(true);
  expect(other.isStarting(1)).toBe(false);
  expect(other.running()).toEqual([]);
  first.started(10);
  other.enter(1).started(11);
  programs.enter(0).started(12);
  expect(other.isStarting(0)).toBe(false);
  expect(other.running(0)).toEqual([10, 12]);
  expect(programs.running()).toEqual([10, 11, 12]);
  first.ended();
  expect(programs.running()).toEqual([11, 12]);
});

test("a cell that was freed and is another's now stays the other's", () => {
  const programs = Programs.create();
  const first = programs.enter(0);
  first.started(10);
  programs.delete(10);
  programs.enter(2).started(13);
  first.ended();
  expect(programs.running()).toEqual([13]);
});

test("one that could not be started leaves nothing", () => {
  const programs = Programs.create();
  programs.enter(0).ended();
  expect(programs.isStarting(0)).toBe(false);
});

test("of a thread that is gone nothing is left", () => {
  const programs = Programs.create();
  programs.enter(0);
  programs.enter(1).started(11);
  programs.clear(0);
  expect(programs.isStarting(0)).toBe(false);
  expect(programs.running()).toEqual([11]);
});

test("one more than there is room for is refused", () => {
  const programs = Programs.create();
  for (let pid = 1; pid <= programCapacity; pid++) programs.enter(0).started(pid);
  expect(() => programs.enter(0)).toThrow("4096 programs run already");
  programs.delete(7);
  programs.enter(0).started(programCapacity + 1);
  expect(programs.running()).toHaveLength(programCapacity);
});
