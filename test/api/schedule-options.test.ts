import { describe, expect, test } from "bun:test";

import { pipeline } from "../../src/api/pipeline.ts";
import { registry } from "../../src/api/registry.ts";
import type { ScheduleOptions } from "../../src/api/schedule-options.ts";
import { task } from "../../src/api/task.ts";

const ruleOf = (schedule: unknown): unknown => {
  registry.tasks.clear();
  registry.sealed = false;
  const noop = task({ name: "noop", run: () => 1 });
  return pipeline({
    name: "posts",
    schedule: schedule as ScheduleOptions,
    tasks: () => noop(),
  }).schedule;
};

test("cron or every, a time zone, and what becomes of slots", () => {
  expect(ruleOf(undefined)).toBeNull();
  for (const cron of ["*/60 */24 */31 * *", "0/30 0 1-31/7 */2 */2"])
    expect(ruleOf({ cron })).toMatchObject({ when: { kind: "cron", cron } });
  // As in a crontab.
  expect(ruleOf({ cron: " 30\t2  * * MON-FRI ", tz: "Europe/Berlin" })).toEqual({
    when: { kind: "cron", cron: "30 2 * * MON-FRI" },
    tz: "Europe/Berlin",
    jitterMs: 0,
    catchUp: "latest",
    windowMs: 86_400_000,
    overlap: "skip",
    startWithinMs: 900_000,
    pauseAfter: null,
  });
  const others = {
    catchUp: "all",
    window: "7d",
    overlap: "queue",
    startWithin: "5m",
    pauseAfter: 3,
  };
  expect(ruleOf({ every: "15m", jitter: "1m", ...others })).toEqual({
    when: { kind: "every", everyMs: 900_000 },
    tz: null,
    jitterMs: 60_000,
    catchUp: "all",
    windowMs: 7 * 86_400_000,
    overlap: "queue",
    startWithinMs: 300_000,
    pauseAfter: 3,
  });
});

const fields = "minute, hour, day of the month, month, day of the week";

describe("a wrong schedule says where, and what would be right", () => {
  test.each<[unknown, string]>([
    ["30 2 * * *", 'must be an object, e.g. { cron: "30 2 * * *", tz: "Europe/Berlin" }'],
    [[], "must be an object"],
    [{}, "needs either `cron` or `every`, e.g."],
    [{ cron: "@daily", every: "1d" }, "needs either `cron` or `every`"],
    [{ cron: 5 }, 'schedule.cron must be text, e.g. "30 2 * * *", not 5'],
    [{ cron: "" }, `schedule.cron "" has 0 fields, and cron has 5: ${fields}; e.g. "30 2 * * *"`],
    [{ cron: "2" }, 'schedule.cron "2" has 1 field, and cron has 5'],
    [{ cron: "30 2 * *" }, 'schedule.cron "30 2 * *" has 4 fields'],
    [{ cron: "0 30 2 * * *" }, 'it has no seconds; use every, e.g. schedule: { every: "30s" }'],
    [{ cron: "@every 5m" }, 'use every, e.g. schedule: { every: "15m" }'],
    [{ cron: "CRON_TZ=Asia/Tokyo 0 2 * * *" }, "has its time zone in it; use tz, e.g."],
    [{ cron: "@reboot" }, "is not known; known are @hourly, @daily"],
    [{ cron: "60 2 * * *" }, 'has a wrong minute, "60": it may be 0, */15 or 0,30'],
    [{ cron: "0 24 * * *" }, 'has a wrong hour, "24": it may be'],
    [{ cron: "0 0 L * *" }, 'has a wrong day of the month, "L": it may be'],
    [{ cron: "0 0 * 13 *" }, 'has a wrong month, "13": it may be *, 1-6 or JAN,JUL'],
    [{ cron: "0 0 * * FRI#2" }, 'has a wrong day of the week, "FRI#2": it may be *, 1-5'],
    [
      { cron: "*/90 * * * *" },
      'has a step of 90 in the minute, which has 60 values: it would begin again with each hour; use every, e.g. schedule: { every: "90m" }',
    ],
    [{ cron: "0 1,*/36 * * *" }, "a step of 36 in the hour, which has 24 values: it would begin"],
    [{ cron: "0 0 */90 * *" }, 'schedule: { every: "90d" }'],
    [{ cron: "0 0 30 2 *" }, 'schedule.cron "0 0 30 2 *" never comes: there is no such date'],
    [{ every: "soon" }, "schedule.every must be milliseconds or a duration"],
    [{ every: 999 }, "schedule.every must be at least 1 s, and whole milliseconds, not 999"],
    [{ every: 1500.5 }, "whole milliseconds"],
    [{ every: "366d" }, "schedule.every must be at most 365 days"],
    [
      { every: "1h", tz: "Berlin" },
      'schedule.tz must be the name of a time zone, e.g. "Europe/Berlin"',
    ],
    [{ every: "1h", tz: 2 }, "schedule.tz must be the name of a time zone"],
    [{ every: "1h", jitter: "2d" }, "schedule.jitter must be at most 1 day,"],
    [{ every: "1h", catchUp: "last" }, 'schedule.catchUp must be "latest", "all" or "none", not'],
    [{ every: "1h", window: "2y" }, "schedule.window must be milliseconds or a duration"],
    [{ every: "1h", window: "366d" }, "schedule.window must be at most 365 days"],
    [{ every: "1h", overlap: true }, 'must be "skip", "queue", "cancel" or "allow", not true'],
    [{ every: "1h", startWithin: "2d" }, "schedule.startWithin must be at most 1 day,"],
    [
      { every: "1h", pauseAfter: 0 },
      "schedule.pauseAfter must be a whole number of at least 1, not 0",
    ],
    [{ every: "1h", pauseAfter: 1.5 }, "schedule.pauseAfter must be a whole number"],
    [{ every: "1h", timezone: "UTC" }, 'schedule: there is no option "timezone"'],
  ])("%j", (schedule, says) => {
    expect(() => ruleOf(schedule)).toThrow(`pipeline "posts": schedule`);
    expect(() => ruleOf(schedule)).toThrow(says);
  });
});
