// What a proof counts.

import type { Difference } from "../store/read/row-differences.ts";
import type { FileDifference } from "./outside-files.ts";

/** In the order of the report. Each must be 0. */
export const countNames = [
  "tasksLost",
  "tasksTwice",
  "tasksChanged",
  "rowsLost",
  "rowsTwice",
  "rowsChanged",
  "filesChanged",
  "lateSends",
  "notRepeatable",
  "programsLeft",
  "corrupt",
  "failed",
  "hangs",
] as const;
export type CountName = (typeof countNames)[number];

/** Where the first of the counted things was found. */
export type FirstFinding = {
  /** 0: before the first cycle. */
  readonly cycle: number;
  readonly what:
    | ({ readonly type: "difference" } & Difference)
    | ({ readonly type: "file" } & FileDifference)
    | { readonly type: "task"; readonly id: number; readonly happened: "lost" | "twice" }
    | { readonly type: "text"; readonly text: string };
};

export class Findings {
  readonly counts: Record<CountName, number> = {
    tasksLost: 0,
    tasksTwice: 0,
    tasksChanged: 0,
    rowsLost: 0,
    rowsTwice: 0,
    rowsChanged: 0,
    filesChanged: 0,
    lateSends: 0,
    notRepeatable: 0,
    programsLeft: 0,
    corrupt: 0,
    failed: 0,
    hangs: 0,
  };
  first: FirstFinding | undefined;

  add(name: CountName, count: number, cycle: number, what: () => FirstFinding["what"]): void {
    if (count === 0) return;
    this.counts[name] += count;
    this.first ??= { cycle, what: what() };
  }

  get total(): number {
    return countNames.reduce((sum, name) => sum + this.counts[name], 0);
  }
}
