// What the README says of other programs is what was measured, and so is the chart.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { chart, chartFile } from "./bench/peers/chart.ts";
import { measuredFile, type Report, sentence } from "./bench/peers/measured.ts";
import { repository } from "./support/program.ts";

const report = (await Bun.file(measuredFile).json()) as Report;

test("the README has the figures of measured.json", async () => {
  const readme = await Bun.file(join(repository, "README.md")).text();
  expect(readme.replaceAll(/\s+/g, " ")).toContain(sentence(report));
  expect(readme).toContain(`\`${report.repeat}\``);
});

test("the chart has the figures of measured.json", async () => {
  expect(await Bun.file(chartFile).text()).toBe(chart(report));
});

test("each figure is the median of rounds, and within their range", () => {
  expect(report.rounds).toBeGreaterThanOrEqual(3);
  expect(report.results.length).toBeGreaterThanOrEqual(4);
  for (const { tasksPerSecond, tasksSpread, rowsPerSecond, rowsSpread } of report.results) {
    expect(tasksPerSecond).toBeWithin(tasksSpread[0], tasksSpread[1] + 1);
    if (rowsPerSecond !== null && rowsSpread !== null) {
      expect(rowsPerSecond).toBeWithin(rowsSpread[0], rowsSpread[1] + 1);
    }
  }
});
