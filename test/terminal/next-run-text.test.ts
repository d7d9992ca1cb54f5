import { expect, test } from "bun:test";

import { runId } from "../../src/protocol/ids.ts";
import type { NextTask } from "../../src/protocol/plan.ts";
import type { Rerun } from "../../src/protocol/reruns.ts";
import { nextRunText } from "../../src/terminal/next-run-text.ts";

const wide = Number.POSITIVE_INFINITY;
const kept = (task: string): NextTask => ({ task, kept: 1, rerun: null, failed: 0 });
const rerun = (task: string, isKept: boolean): NextTask => {
  const again: Rerun = { task, reason: "code", isKept, count: 1 };
  return { task, kept: 0, rerun: again, failed: 0 };
};
const linesOf = (...tasks: readonly NextTask[]): string[] =>
  nextRunText({ kind: "continued", run: runId(3), tasks, reuse: [] }, wide)
    .trim()
    .split("\n")
    .slice(1);

test("what is kept may depend on what runs again, and that is said", () => {
  expect(linesOf(rerun("load", false), kept("sum"))).toEqual([
    "  load  runs again: its code has changed",
    "  sum   kept",
    "A kept task runs again if a result that it reads is another one then.",
  ]);
});

test("with --downstream, what is kept is said to run again where it depends on what does", () => {
  const again: Rerun = { task: "load", reason: "asked", isKept: false, count: 1, downstream: true };
  expect(linesOf({ task: "load", kept: 0, rerun: again, failed: 0 }, kept("sum")).at(-1)).toBe(
    "With --downstream, a kept task runs again if it depends on one that runs again.",
  );
});

test("where nothing that was done runs again, kept is kept", () => {
  expect(linesOf(kept("load"), { ...kept("sum"), kept: 0, failed: 1 })).toEqual([
    "  load  kept",
    "  sum   runs again: it failed",
  ]);
  expect(linesOf(rerun("load", true), kept("sum"))).toHaveLength(2);
  expect(linesOf(rerun("load", false))).toHaveLength(1);
});
