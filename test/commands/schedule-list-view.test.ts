import { expect, test } from "bun:test";

import { paletteOf } from "../../src/base/palette.ts";
import { width as widthOf } from "../../src/base/text.ts";
import { type ListedSchedule, listLines } from "../../src/commands/schedule-list-view.ts";
import { rule } from "../serve/rule.ts";

const now = Date.parse("2026-11-27T12:00:00Z");
const hourMs = 3_600_000;

const listed = (name: string, failures?: number): ListedSchedule => ({
  argument: `/srv/pipelines/jobs/${name}.ts`,
  name,
  state: {
    kind: "scheduled",
    rule: rule({ when: { kind: "cron", cron: "30 2 * * MON-FRI" }, tz: "America/New_York" }),
    db: "/srv/pipeloom.db",
    next: { slot: now + hourMs, start: now + hourMs },
    last: null,
    paused: failures === undefined ? null : { at: now, failures },
  },
});

const linesAt = (width: number, schedules: readonly ListedSchedule[]): string[] =>
  listLines(schedules, { now, width, colors: paletteOf(0) });

test("a narrow terminal: the rule is left out first, then the file; what is due and how it went stays", () => {
  const [titles, row] = linesAt(40, [listed("orders")]);
  expect(titles).toMatch(/^pipeline +next +last/);
  expect(row).toMatch(/^orders +in 1 h +none/);
  const broken = { kind: "broken", message: "orders.ts:3:16: no such column" } as const;
  const [, second] = linesAt(40, [{ argument: "/srv/orders.ts", name: null, state: broken }]);
  expect(second).toContain("broken  orders.ts:3:16");
});

test("a name of any length leaves room for the rest", () => {
  for (const width of [40, 80, 120]) {
    const lines = linesAt(width, [listed("x".repeat(120)), listed("prices", 3)]);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
    expect(lines[1]).toContain("in 1 h");
    expect(lines[2]).toContain("paused");
    expect(lines[0]).toContain("last");
  }
});
