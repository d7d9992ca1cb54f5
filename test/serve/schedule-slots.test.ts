// Slots against tables that are worked out on paper, and against a calendar that walks through each minute.

import { describe, expect, setDefaultTimeout, test } from "bun:test";

import type { ScheduleRule } from "../../src/protocol/schedule-rule.ts";
import {
  isSlot,
  lastSlot,
  slotAfter,
  slotsBetween,
  nextStarts,
  startOf,
} from "../../src/serve/schedule-slots.ts";
import { below, randomOf } from "../crash/random.ts";
import { rule } from "./rule.ts";

setDefaultTimeout(60_000);

const minuteMs = 60_000;
const dayMs = 86_400_000;

const cron = (text: string, tz = "UTC"): ScheduleRule =>
  rule({ when: { kind: "cron", cron: text }, tz });
const every = (everyMs: number): ScheduleRule => rule({ when: { kind: "every", everyMs } });
const at = (text: string): number => Date.parse(`${text}Z`);
const shown = (slot: number | null): string | undefined =>
  slot === null ? undefined : new Date(slot).toISOString().slice(0, 16);

/** The slots of these days, in UTC. */
const of = (schedule: ScheduleRule, from: string, until: string): (string | undefined)[] =>
  [...slotsBetween(schedule, at(from) - 1, at(until) - 1)].map(shown);

type Case = [zone: string, cron: string, from: string, until: string, slots: string[]];

/** The local minute before which clocks go forward, in UTC. */
const forward: [zone: string, at: string][] = [
  ["America/New_York", "2026-03-08T07:00"],
  ["Europe/Berlin", "2026-03-29T01:00"],
  ["Europe/London", "2026-03-29T01:00"],
  ["Australia/Lord_Howe", "2026-10-03T15:30"],
  ["America/Santiago", "2026-09-06T04:00"],
  ["Africa/Cairo", "2026-04-23T22:00"],
  ["Antarctica/Troll", "2026-03-29T01:00"],
];

describe("clocks go forward: a slot is the same, whenever it is asked for", () => {
  const crons = [
    "30 2 * * *",
    "0 0 * * *",
    "15 1,2 * * *",
    "*/10 0-3 * * *",
    "45 * * * *",
    "10,50 0-2 * * *",
    "* 2 * * *",
  ];
  test.each(forward.flatMap(([zone, change]) => crons.map((text) => [zone, text, change])))(
    "%s: %s",
    (zone, text, change) => {
      const schedule = cron(text, zone);
      const from = at(change) - dayMs;
      const slots = [...slotsBetween(schedule, from, at(change) + 2 * dayMs)];
      for (let after = at(change) - 130 * minuteMs; after < at(change) + 250 * minuteMs;) {
        expect(shown(slotAfter(schedule, after))).toBe(
          shown(slots.find((slot) => slot > after) ?? null),
        );
        after += minuteMs;
      }
      expect(slots.filter((slot) => !isSlot(schedule, slot))).toEqual([]);
    },
  );
});

describe("clocks go forward: a time that is left out comes as much later, once", () => {
  const cases: Case[] = [
    // 02:00 EST → 03:00 EDT
    [
      "America/New_York",
      "30 2 * * *",
      "2026-03-07T12:00",
      "2026-03-09T12:00",
      ["2026-03-08T07:30", "2026-03-09T06:30"],
    ],
    // 02:00 CET → 03:00 CEST
    [
      "Europe/Berlin",
      "30 2 * * *",
      "2026-03-28T12:00",
      "2026-03-30T12:00",
      ["2026-03-29T01:30", "2026-03-30T00:30"],
    ],
    [
      "Europe/Berlin",
      "*/20 2 * * *",
      "2026-03-29T00:00",
      "2026-03-29T12:00",
      ["2026-03-29T01:00", "2026-03-29T01:20", "2026-03-29T01:40"],
    ],
    // 01:00 GMT → 02:00 BST
    [
      "Europe/London",
      "0 1 * * *",
      "2026-03-28T12:00",
      "2026-03-30T12:00",
      ["2026-03-29T01:00", "2026-03-30T00:00"],
    ],
    // 02:00 → 02:30: half an hour
    [
      "Australia/Lord_Howe",
      "15 2 * * *",
      "2026-10-03T00:00",
      "2026-10-05T00:00",
      ["2026-10-03T15:45", "2026-10-04T15:15"],
    ],
    // 02:20 is 02:50, which is after 02:35
    [
      "Australia/Lord_Howe",
      "20,35 2 * * *",
      "2026-10-03T00:00",
      "2026-10-04T12:00",
      ["2026-10-03T15:35", "2026-10-03T15:50"],
    ],
    // 01:00 → 03:00: two hours
    [
      "Antarctica/Troll",
      "15,45 1,2 * * *",
      "2026-03-28T12:00",
      "2026-03-29T12:00",
      ["2026-03-29T01:15", "2026-03-29T01:45", "2026-03-29T02:15", "2026-03-29T02:45"],
    ],
    // 00:00 → 01:00: the day has no midnight
    [
      "America/Santiago",
      "0 0 * * *",
      "2026-09-05T12:00",
      "2026-09-07T12:00",
      ["2026-09-06T04:00", "2026-09-07T03:00"],
    ],
  ];
  test.each(cases)("%s: %s", (zone, text, from, until, slots) => {
    expect(of(cron(text, zone), from, until)).toEqual(slots);
  });
});

describe("clocks go back: a fixed time comes once, and `*` goes on through both hours", () => {
  const cases: Case[] = [
    [
      "America/New_York",
      "30 1 * * *",
      "2026-10-31T12:00",
      "2026-11-02T12:00",
      ["2026-11-01T05:30", "2026-11-02T06:30"],
    ],
    [
      "America/New_York",
      "30 * * * *",
      "2026-11-01T04:00",
      "2026-11-01T08:00",
      ["2026-11-01T04:30", "2026-11-01T05:30", "2026-11-01T06:30", "2026-11-01T07:30"],
    ],
    [
      "Europe/Berlin",
      "30 2 * * *",
      "2026-10-24T12:00",
      "2026-10-26T12:00",
      ["2026-10-25T00:30", "2026-10-26T01:30"],
    ],
    [
      "Europe/London",
      "0 1 * * *",
      "2026-10-24T12:00",
      "2026-10-26T12:00",
      ["2026-10-25T00:00", "2026-10-26T01:00"],
    ],
    // 02:00 → 01:30
    [
      "Australia/Lord_Howe",
      "45 1 * * *",
      "2026-04-04T00:00",
      "2026-04-06T00:00",
      ["2026-04-04T14:45", "2026-04-05T15:15"],
    ],
    // 24:00 → 23:00
    [
      "America/Santiago",
      "30 23 * * *",
      "2026-04-04T12:00",
      "2026-04-06T12:00",
      ["2026-04-05T02:30", "2026-04-06T03:30"],
    ],
  ];
  test.each(cases)("%s: %s", (zone, text, from, until, slots) => {
    expect(of(cron(text, zone), from, until)).toEqual(slots);
  });
});

describe("the calendar", () => {
  const cases: [cron: string, from: string, until: string, slots: string[]][] = [
    [
      "0 0 29 2 *",
      "2026-01-01T00:00",
      "2033-01-01T00:00",
      ["2028-02-29T00:00", "2032-02-29T00:00"],
    ],
    [
      "0 6 31 * *",
      "2026-01-01T00:00",
      "2026-08-01T00:00",
      ["2026-01-31T06:00", "2026-03-31T06:00", "2026-05-31T06:00", "2026-07-31T06:00"],
    ],
    ["0 0 1 1 *", "2025-12-31T00:00", "2027-01-02T00:00", ["2026-01-01T00:00", "2027-01-01T00:00"]],
    // Both days are given: either of them.
    [
      "0 0 13 * FRI",
      "2026-11-06T00:00",
      "2026-11-21T00:00",
      ["2026-11-06T00:00", "2026-11-13T00:00", "2026-11-20T00:00"],
    ],
    ["@weekly", "2026-11-01T00:00", "2026-11-09T00:00", ["2026-11-01T00:00", "2026-11-08T00:00"]],
    [
      "0 12 28-31 2 *",
      "2028-02-01T00:00",
      "2028-03-05T00:00",
      ["2028-02-28T12:00", "2028-02-29T12:00"],
    ],
  ];
  test.each(cases)("%s from %s", (text, from, until, slots) => {
    expect(of(cron(text), from, until)).toEqual(slots);
  });

  test("every: multiples since 1970, before it too", () => {
    expect(of(every(6 * 3_600_000), "2026-03-29T00:01", "2026-03-29T13:00")).toEqual([
      "2026-03-29T06:00",
      "2026-03-29T12:00",
    ]);
    expect(slotAfter(every(1000), -1)).toBe(0);
    expect(slotAfter(every(1000), -1000)).toBe(0);
    expect(slotAfter(every(1000), 0)).toBe(1000);
    expect(isSlot(every(1000), 1000)).toBe(true);
    expect(isSlot(every(1000), 1001)).toBe(false);
  });
});

type Reading = { readonly time: number; readonly day: string; readonly ofDay: number };

/** What a clock of that zone shows each minute: the day, and the minute of the day. */
function readings(zone: string, from: number, until: number): Reading[] {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "short",
    hourCycle: "h23",
  });
  return Array.from({ length: (until - from) / minuteMs }, (_, i) => {
    const time = from + i * minuteMs;
    const [day = "", clock = ""] = format.format(time).split(", ");
    const [hour, minute] = clock.split(":").map(Number);
    return { time, day, ofDay: (hour ?? 0) * 60 + (minute ?? 0) };
  });
}

/**
 * The paper: a minute is a slot if its clock matches; without `*`, only the first time that the day's clock shows it. A
 * minute that a clock leaves out comes as much later as the clock goes forward.
 */
function paperSlots(
  [minute, hour]: [string, string],
  [first, ...minutes]: readonly Reading[],
): number[] {
  const isFixed = minute !== "*" && hour !== "*";
  const matches = (ofDay: number): boolean =>
    (minute === "*" || Number(minute) === ofDay % 60) &&
    (hour === "*" || Number(hour) === Math.floor(ofDay / 60));
  const seen = new Set<string>();
  const slots = new Set<number>();
  let before = first?.ofDay ?? 0;
  for (const { time, day, ofDay } of minutes) {
    // Modulo a day, a clock that goes back is far ahead.
    const ahead = (ofDay - before + 1440) % 1440;
    const leftOut = ahead > 0 && ahead < 720 ? ahead - 1 : 0;
    for (let late = 0; late < leftOut; late++) {
      if (matches((before + 1 + late) % 1440)) slots.add(time + late * minuteMs);
    }
    before = ofDay;
    const key = `${day} ${ofDay}`;
    if (!matches(ofDay) || (isFixed && seen.has(key))) continue;
    seen.add(key);
    slots.add(time);
  }
  return [...slots].toSorted((a, b) => a - b);
}

/** Around both changes of each zone. */
const changes: [zone: string, day: string][] = [
  ["America/New_York", "2026-03-08T00:00"],
  ["America/New_York", "2026-11-01T00:00"],
  ["Europe/Berlin", "2026-03-29T00:00"],
  ["Europe/Berlin", "2026-10-25T00:00"],
  ["Europe/London", "2026-03-29T00:00"],
  ["Europe/London", "2026-10-25T00:00"],
  ["Australia/Lord_Howe", "2026-10-03T12:00"],
  ["Australia/Lord_Howe", "2026-04-04T12:00"],
  ["America/Santiago", "2026-09-06T00:00"],
  ["America/Santiago", "2026-04-05T00:00"],
];

test.each(changes)("%s around %s: what a clock shows", (zone, day) => {
  const from = at(day) - dayMs / 4;
  const until = from + 1.25 * dayMs;
  const minutes = readings(zone, from - minuteMs, until);
  for (const hour of ["*", "0", "1", "2", "3", "23"]) {
    for (const minute of ["*", "0", "15", "45"]) {
      const slots = [...slotsBetween(cron(`${minute} ${hour} * * *`, zone), from - 1, until - 1)];
      const paper = paperSlots([minute, hour], minutes);
      expect({ hour, minute, slots: slots.map(shown) }).toEqual({
        hour,
        minute,
        slots: paper.map(shown),
      });
    }
  }
});

const zones = [
  "America/New_York",
  "Europe/Berlin",
  "Europe/London",
  "Australia/Lord_Howe",
  "America/Santiago",
  "UTC",
];

function randomSchedule(random: () => number): ScheduleRule {
  const pick = (from: number, to: number): number => from + below(random, to - from + 1);
  const field = (from: number, to: number): string => {
    switch (below(random, 4)) {
      case 0:
        return String(pick(from, to));
      case 1:
        return `*/${pick(1, 12)}`;
      case 2: {
        const first = pick(from, to - 1);
        return `${first}-${pick(first + 1, to)}`;
      }
      default:
        return "*";
    }
  };
  if (below(random, 5) === 0) return every(1000 * (1 + below(random, 100_000)));
  const weekday = below(random, 3) === 0 ? field(0, 6) : "*";
  const text = `${field(0, 59)} ${field(0, 4)} ${below(random, 6) === 0 ? field(1, 31) : "*"} * ${weekday}`;
  return cron(text, zones[below(random, zones.length)]);
}

const seed = Number(process.env["SLOTS_SEED"] ?? 1);

test("wherever one stops and goes on, the slots are the same: none twice, none lost", () => {
  const random = randomOf(seed);
  for (let round = 0; round < 150; round++) {
    const schedule = randomSchedule(random);
    const from = Date.UTC(2024 + below(random, 5), below(random, 12), 1 + below(random, 28));
    const until = from + 20 * dayMs;
    const whole = [...slotsBetween(schedule, from, until)];
    expect(whole).toEqual([...new Set(whole)].toSorted((a, b) => a - b));
    const stops = Array.from({ length: 8 }, () => from + below(random, until - from));
    const ends = [from, ...stops.toSorted((a, b) => a - b), until];
    const pieces = ends
      .slice(1)
      .flatMap((end, i) => [...slotsBetween(schedule, ends[i] ?? 0, end)]);
    expect({ seed, round, schedule, pieces }).toEqual({ seed, round, schedule, pieces: whole });
    for (const stop of ends) {
      expect({ schedule, last: lastSlot(schedule, from, stop) }).toEqual({
        schedule,
        last: whole.findLast((slot) => slot <= stop) ?? null,
      });
    }
    for (const slot of whole.slice(0, 20)) expect(isSlot(schedule, slot)).toBe(true);
  }
});

describe("jitter", () => {
  const hourly = { ...cron("0 * * * *"), jitterMs: 30 * minuteMs };
  const starts = [...slotsBetween(hourly, 0, 1000 * 3_600_000)].map(
    (slot) => startOf(hourly, slot, "posts") - slot,
  );

  test("a start is the same each time, in its bounds, and spread over them", () => {
    const again = [...slotsBetween(hourly, 0, 1000 * 3_600_000)].map(
      (slot) => startOf(hourly, slot, "posts") - slot,
    );
    expect(again).toEqual(starts);
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...starts)).toBeLessThan(30 * minuteMs);
    for (const tenth of Array(10).keys()) {
      const within = starts.filter((start) => Math.floor(start / (3 * minuteMs)) === tenth);
      expect(within.length).toBeGreaterThan(60);
    }
  });

  test("another pipeline starts at another time", () => {
    const slot = at("2026-11-01T00:00");
    expect(startOf(hourly, slot, "posts")).not.toBe(startOf(hourly, slot, "users"));
  });

  test("it never reaches the next slot", () => {
    const dense = { ...every(1000), jitterMs: dayMs };
    for (const slot of slotsBetween(dense, 0, 500_000)) {
      expect(startOf(dense, slot, "posts")).toBeGreaterThanOrEqual(slot);
      expect(startOf(dense, slot, "posts")).toBeLessThan(slot + 1000);
    }
  });
});

test("the slots that begin next: with jitter, the first one may have come already", () => {
  const daily = { ...cron("0 2 * * *"), jitterMs: 3_600_000 };
  const [from, later] = [at("2026-11-27T02:00"), at("2026-11-28T02:00")];
  const start = startOf(daily, from, "posts");
  expect(start).toBeGreaterThan(from + 1000);
  const first = (now: number, since = 0): number | undefined =>
    nextStarts(daily, "posts", { now, since, most: 2 })[0]?.slot;
  expect([from - 1, from, start - 1].map((now) => first(now))).toEqual([from, from, from]);
  expect(first(start)).toBe(later);
  // It was resumed after the slot, which never runs.
  expect(first(start - 1, from)).toBe(later);
  expect(first(start - 1, from - 1)).toBe(from);
  const all = nextStarts(daily, "posts", { now: start - 1, since: 0, most: 3 });
  expect(all.map(({ slot }) => slot)).toEqual([from, later, later + dayMs]);
  expect(all[0]).toEqual({ slot: from, start });
  const plain = { ...daily, jitterMs: 0 };
  expect(nextStarts(plain, "posts", { now: from, since: 0, most: 1 })[0]?.slot).toBe(later);
});
