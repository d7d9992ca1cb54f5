import { expect, test } from "bun:test";

import { paletteOf } from "../../src/base/palette.ts";
import { costTable } from "../../src/commands/costs-view.ts";
import type { DefinitionCosts } from "../../src/store/read/task-costs.ts";

const load: DefinitionCosts = {
  name: "load-the-pages-of-a-shop-with-a-long-name",
  tasks: 12_000,
  medianMs: 71,
  maxMs: 61_000,
  rows: 1_234_567,
  cpuMs: 600_000,
  cpuTasks: 11_000,
  medianWaitedMs: 0,
  maxWaitedMs: 125_000,
};
const report: DefinitionCosts = {
  ...load,
  name: "report",
  tasks: 1,
  rows: 0,
  cpuMs: null,
  cpuTasks: 0,
  maxWaitedMs: 0,
};
const lines = (definitions: readonly DefinitionCosts[], width: number): readonly string[] =>
  costTable(definitions, { now: 0, width, colors: paletteOf(0) });

test("a line for each definition; what is not known, and what is nothing, is empty", () => {
  expect(lines([load, report], Number.POSITIVE_INFINITY)).toMatchSnapshot();
  expect(lines([], 80)).toEqual([]);
});

test("fits 80 columns, and 40 with less", () => {
  expect(lines([load, report], 80)).toMatchSnapshot();
  expect(lines([load, report], 40)).toMatchSnapshot();
});
