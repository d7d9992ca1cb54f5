import { expect, test } from "bun:test";

import { runId } from "../../src/protocol/ids.ts";
import type { NextTask } from "../../src/protocol/plan.ts";
import type { Rerun } from "../../src/protocol/reruns.ts";
import { rerunLines } from "../../src/terminal/reruns-text.ts";
import { nextRunText } from "../../src/terminal/next-run-text.ts";

const wide = Number.POSITIVE_INFINITY;
const kept = (task: string): NextTask => ({ task, kept: 1, rerun: null, failed: 0 });
const rerun = (task: string, isKept: boolean): NextTask => {
  const again: Rerun = { task, reason: "code", isKept, count: 1 };
  return { task, kept: 0, rerun: again, failed: 0 };
};
const linesOf = (...tasks: readonly NextTask[]): string[] =>
  nextRunText({ kind: "continued", run: runId(3), tasks, reuse: [] }, wide, false)
    .trim()
    .split("\n")
    .slice(1);

test("what is kept may depend on what runs again, and that is said", () => {
  expect(linesOf(rerun("load", false), kept("sum"))).toEqual([
    "  load  runs again: its code has changed",
    "  sum   kept",
    "A kept task runs again if its input is another one then, such as a result that it reads.",
  ]);
});

test("with --downstream, what is kept is said to run again where it depends on what does", () => {
  const again: Rerun = { task: "load", reason: "asked", isKept: false, count: 1, downstream: true };
  expect(linesOf({ task: "load", kept: 0, rerun: again, failed: 0 }, kept("sum")).at(-1)).toBe(
    "With --downstream, a kept task runs again if it depends on one that runs again.",
  );
});

test("what is kept may have another input, also where nothing that was done runs again", () => {
  expect(linesOf(kept("load"), { ...kept("sum"), kept: 0, failed: 1 })).toEqual([
    "  load  kept",
    "  sum   runs again: it failed",
    "A kept task runs again if its input is another one then, such as a result that it reads.",
  ]);
  expect(linesOf(rerun("load", true), kept("sum"))).toHaveLength(3);
  expect(linesOf(rerun("load", false))).toHaveLength(1);
});

const declared = (isKept: boolean): Rerun => ({
  task: "load",
  reason: "declared",
  isKept,
  count: 2,
});

test("a file or a variable that a task declares is not its code", () => {
  const lines = [false, true].flatMap((isKept) =>
    linesOf({ task: "load", kept: 0, rerun: declared(isKept), failed: 0 }),
  );
  expect(lines).toEqual([
    "  load  runs again (×2): a file or a variable that it declares has changed",
    "  load  kept (×2), as asked: a file or a variable that it declares has changed",
  ]);
  const code: Rerun = { task: "sum", reason: "code", isKept: false, count: 1 };
  expect(rerunLines(3, [code, declared(false), declared(true)])).toEqual([
    "1 task's code changed since run 3: sum; it runs again",
    "files or variables that 1 task declares changed since run 3: load (×2); it runs again",
    "files or variables that 1 task declares changed since run 3: load (×2); results are kept, as asked",
  ]);
});

test("with --downstream, the definitions that follow are named where they are known", () => {
  const again: Rerun = { task: "load", reason: "asked", isKept: false, count: 1, downstream: true };
  const load = { task: "load", kept: 0, rerun: again, failed: 0 };
  expect(linesOf(load, { ...kept("sum"), follows: true }, kept("list")).at(-1)).toBe(
    "With --downstream, a kept task of sum runs again if it depends on one that runs again.",
  );
});

const asked = (count: number, some: readonly string[]): Rerun => ({
  task: "load",
  reason: "asked",
  isKept: false,
  count,
  titles: some,
});

test("tasks that are asked for one by one are named", () => {
  const titles = ["load day=1", "load day=2", "load day=3"];
  expect(rerunLines(3, [asked(1, titles.slice(0, 1))])).toEqual([
    "runs again, as asked: load day=1",
  ]);
  expect(rerunLines(3, [asked(7, titles)])).toEqual([
    "runs again, as asked: load day=1, load day=2, load day=3, … (×7)",
  ]);
  expect(
    linesOf({ task: "load", kept: 2, rerun: asked(1, titles.slice(0, 1)), failed: 0 })[0],
  ).toBe("  load  runs again: as asked, load day=1; kept (×2)");
});
