import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";

import { paletteOf } from "../../src/base/palette.ts";
import { type NextSlots, scheduleLines } from "../../src/commands/schedule-view.ts";
import type { ScheduleRule } from "../../src/protocol/schedule-rule.ts";
import { slotsBetween } from "../../src/serve/schedule-slots.ts";
import { rule } from "../serve/rule.ts";
import { tempFolder } from "../store/write/temp-folder.ts";
import { pipeloom } from "./pipeloom.ts";

setDefaultTimeout(60_000);

const now = Date.parse("2026-11-01T04:45:00Z");
const newYork = rule({ when: { kind: "cron", cron: "30 * * * *" }, tz: "America/New_York" });

const slotsOf = (schedule: ScheduleRule, laterMs = 0): NextSlots => ({
  pipeline: "posts",
  schedule,
  now,
  localZone: "Europe/Berlin",
  next: [...slotsBetween(schedule, now, now + 2 * 3_600_000)].map((slot) => ({
    slot,
    start: slot + laterMs,
  })),
  resume: null,
});

const linesOf = (slots: NextSlots): string[] =>
  scheduleLines(slots, { width: Number.POSITIVE_INFINITY, colors: paletteOf(0) });

describe("the view", () => {
  test("the hour that comes twice is told apart by its offset", () => {
    expect(linesOf(slotsOf(newYork))).toEqual([
      "posts: cron 30 * * * * in America/New_York",
      "",
      "America/New_York                local (Europe/Berlin)",
      "Sun 2026-11-01 01:30:00 -04:00  Sun 2026-11-01 06:30:00 +01:00  in 45 min",
      "Sun 2026-11-01 01:30:00 -05:00  Sun 2026-11-01 07:30:00 +01:00  in 1 h",
    ]);
  });

  test("one column if both time zones are the same, and one for a start that is later", () => {
    const own = { ...newYork, tz: null, jitterMs: 90_000 };
    expect(linesOf(slotsOf(own, 5000))).toEqual([
      "posts: cron 30 * * * * in Europe/Berlin, up to 90 s later",
      "",
      "Europe/Berlin                   starts here",
      "Sun 2026-11-01 06:30:00 +01:00  Sun 2026-11-01 06:30:05 +01:00  in 45 min",
      "Sun 2026-11-01 07:30:00 +01:00  Sun 2026-11-01 07:30:05 +01:00  in 1 h",
    ]);
  });

  test("a narrow terminal: the reader's zone is left out first, then the start; when it is due stays", () => {
    const slots = slotsOf({ ...newYork, jitterMs: 90_000 }, 5000);
    const at = (width: number) => scheduleLines(slots, { width, colors: paletteOf(0) }).slice(2);
    expect(at(80)).toEqual([
      "America/New_York                starts here",
      "Sun 2026-11-01 01:30:00 -04:00  Sun 2026-11-01 06:30:05 +01:00  in 45 min",
      "Sun 2026-11-01 01:30:00 -05:00  Sun 2026-11-01 07:30:05 +01:00  in 1 h",
    ]);
    expect(at(42)[1]).toBe("Sun 2026-11-01 01:30:00 -04:00  in 45 min");
  });

  test("every, and UTC", () => {
    const hourly = rule({ when: { kind: "every", everyMs: 3_600_000 } });
    expect(linesOf({ ...slotsOf(hourly), localZone: "UTC" })).toEqual([
      "posts: every 1 h",
      "",
      "UTC",
      "Sun 2026-11-01 05:00:00 +00:00  in 15 min",
      "Sun 2026-11-01 06:00:00 +00:00  in 1 h",
    ]);
  });
});

const file = (schedule: string): string => `
import { pipeline, task } from "pipeloom";
console.log("loaded");
const noop = task({ name: "noop", run: () => 1 });
export default pipeline({ name: "posts", ${schedule} tasks: () => noop() });
`;

test("schedule next: as text, and as JSON with nothing else on stdout", async () => {
  using folder = tempFolder();
  await Bun.write(join(folder.path, "etl.ts"), file('schedule: { every: "1h", jitter: "10m" },'));
  const text = await pipeloom(folder.path, ["schedule", "next", "etl.ts"]);
  expect(text).toMatchObject({ code: 0, err: "loaded\n" });
  expect(text.out.trim().split("\n")).toHaveLength(2 + 1 + 5);
  const json = await pipeloom(folder.path, ["schedule", "next", "etl.ts", "-n", "2", "--json"]);
  const shown = JSON.parse(json.out) as { at: string; next: { slot: string; start: string }[] };
  expect(shown).toMatchObject({
    version: 1,
    pipeline: "posts",
    everyMs: 3_600_000,
    jitterMs: 600_000,
    paused: false,
  });
  expect(shown.next).toHaveLength(2);
  for (const { slot, start } of shown.next) {
    expect(Date.parse(slot) % 3_600_000).toBe(0);
    expect(Date.parse(slot)).toBeGreaterThan(Date.parse(shown.at));
    expect(Date.parse(start) - Date.parse(slot)).toBeWithin(0, 600_000);
  }
});

test("schedule next of one that is paused says so, and how it goes on", async () => {
  using folder = tempFolder();
  await Bun.write(join(folder.path, "etl.ts"), file('schedule: { every: "1h" },'));
  const next = async (...words: string[]) =>
    (await pipeloom(folder.path, ["schedule", "next", "etl.ts", "-n", "1", ...words])).out;
  await pipeloom(folder.path, ["schedule", "pause", "etl.ts"]);
  const resume = `pipeloom schedule resume ${join(folder.path, "etl.ts")}`;
  expect(await next()).toContain(`\npaused: none of these runs before ${resume}\n`);
  expect(JSON.parse(await next("--json"))).toMatchObject({ paused: true });
});

test("no schedule, and a wrong one: the place and an example", async () => {
  using folder = tempFolder();
  await Bun.write(join(folder.path, "none.ts"), file(""));
  await Bun.write(join(folder.path, "wrong.ts"), file('schedule: { cron: "30 2 * *" },'));
  const none = await pipeloom(folder.path, ["schedule", "next", "none.ts"]);
  expect(none).toMatchObject({ code: 1, out: "" });
  expect(none.err).toContain(
    'none.ts: pipeline "posts" has no schedule; add one, e.g. schedule: {',
  );
  const wrong = await pipeloom(folder.path, ["schedule", "next", "wrong.ts"]);
  expect(wrong).toMatchObject({ code: 1, out: "" });
  expect(wrong.err).toContain("wrong.ts:5:");
  expect(wrong.err).toContain('pipeline "posts": schedule.cron "30 2 * *" has 4 fields');
});
