// Which slots are due: tables, and a scheduler that is stopped, sleeps and whose clock jumps.

import { describe, expect, setDefaultTimeout, test } from "bun:test";

import type { ScheduleRule } from "../../src/protocol/schedule-rule.ts";
import { dueSlots, onOverlap, onTimeMs, type Span } from "../../src/serve/due-slots.ts";
import { slotsBetween } from "../../src/serve/schedule-slots.ts";
import { below, randomOf } from "../crash/random.ts";
import { rule } from "./rule.ts";

setDefaultTimeout(60_000);

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const forever = Number.POSITIVE_INFINITY;

const hourly = rule({ when: { kind: "cron", cron: "0 * * * *" }, tz: "UTC" });
const at = (hour: number): number => Date.UTC(2026, 10, 1) + hour * hourMs;

const due = (
  catchUp: "latest" | "all" | "none",
  last: number,
  now: number,
  windowMs = forever,
): number[] =>
  [...dueSlots(hourly, { last: at(last), now: at(now), catchUp, windowMs })].map(
    (slot) => (slot - at(0)) / hourMs,
  );

describe("after a stop of some hours", () => {
  test("latest: the last slot that was missed", () => {
    expect(due("latest", 1, 5.5)).toEqual([5]);
    expect(due("latest", 5, 5.5)).toEqual([]);
    expect(due("latest", 4, 5)).toEqual([5]);
  });

  test("all: each, the oldest first", () => {
    expect(due("all", 1, 5.5)).toEqual([2, 3, 4, 5]);
    expect(due("all", 5, 5.5)).toEqual([]);
  });

  test("none: only a slot that is on time", () => {
    const late = onTimeMs / hourMs;
    expect(due("none", 1, 5.5)).toEqual([]);
    expect(due("none", 1, 5 + late)).toEqual([5]);
    expect(due("none", 1, 5 + late * 1.01)).toEqual([]);
    expect(due("none", 1, 5)).toEqual([5]);
  });

  test("window: a slot that is older is not due", () => {
    expect(due("all", 1, 5.5, 2.5 * hourMs)).toEqual([3, 4, 5]);
    expect(due("all", 1, 5.5, 2.4 * hourMs)).toEqual([4, 5]);
    expect(due("latest", 1, 5.5, hourMs / 2)).toEqual([5]);
    expect(due("latest", 1, 5.5, hourMs / 4)).toEqual([]);
  });

  test("a clock that is behind the last slot: none", () => {
    for (const catchUp of ["latest", "all", "none"] as const) {
      expect(due(catchUp, 5, 3.5)).toEqual([]);
    }
  });

  test("years of minutes are not walked through for the last one", () => {
    const minutely: ScheduleRule = { ...hourly, when: { kind: "cron", cron: "* * * * *" } };
    const now = Date.UTC(2046, 0, 1) + 5;
    const rest = { last: 0, now, catchUp: "latest", windowMs: forever } as const;
    expect([...dueSlots(minutely, rest)]).toEqual([now - 5]);
  });
});

/** Its memory is what has run: a slot is taken only if no other process has. */
function lived(catchUp: "latest" | "all", random: () => number, first: number, until: number) {
  const ran: number[] = [];
  const committed = new Set<number>();
  let clock = first;

  const wake = (): void => {
    const last = Math.max(first, ...ran.filter((slot) => slot <= clock));
    for (const slot of dueSlots(hourly, { last, now: clock, catchUp, windowMs: forever })) {
      if (committed.has(slot)) continue;
      committed.add(slot);
      ran.push(slot);
      // Killed in the middle of a catch-up.
      if (below(random, 10) === 0) return;
    }
  };
  while (clock < until) {
    const jump = below(random, 12);
    if (jump === 0) clock += below(random, 2 * dayMs);
    else if (jump === 1) clock -= below(random, dayMs);
    else clock += below(random, 30_000 + hourMs);

    wake();
  }
  for (let i = 0; i < 100; i++) wake();
  return { ran, clock };
}

describe("a scheduler that stops, sleeps, and whose clock jumps", () => {
  const rounds = 40;
  const seed = Number(process.env["SLOTS_SEED"] ?? 1);

  test("all: each slot runs once, whatever happens", () => {
    for (let round = 0; round < rounds; round++) {
      const first = at(0);
      const until = at(30 * 24);
      const { ran, clock } = lived("all", randomOf(seed + round), first, until);
      const wanted = [...slotsBetween(hourly, first, clock)];
      expect(ran.length).toBe(new Set(ran).size);
      // The clock may have been ahead: what ran then has run.
      const upToNow = ran.filter((slot) => slot <= clock).toSorted((a, b) => a - b);
      expect({ round, upToNow }).toEqual({ round, upToNow: wanted });
    }
  });

  test("latest: none twice, and the last one has always run", () => {
    for (let round = 0; round < rounds; round++) {
      const { ran, clock } = lived("latest", randomOf(seed + round), at(0), at(30 * 24));
      expect(ran.length).toBe(new Set(ran).size);
      expect(ran).toContain([...slotsBetween(hourly, at(0), clock)].at(-1) ?? Number.NaN);
    }
  });
});

describe("while an earlier run goes on", () => {
  const over = { startedAt: at(1), finishedAt: at(1.5), isScheduled: true };
  const goesOn = { startedAt: at(1), finishedAt: null, isScheduled: true };
  const cases: [
    name: string,
    runs: Span[],
    [skip: string, queue: string, cancel: string, allow: string],
  ][] = [
    ["none before", [], ["start", "start", "start", "start"]],
    ["it has ended", [over], ["start", "start", "start", "start"]],
    ["it goes on", [goesOn], ["skip", "wait", "cancel", "start"]],
    [
      "it went on at the slot's time, and has ended since",
      [{ startedAt: at(1), finishedAt: at(2.1), isScheduled: true }],
      ["skip", "start", "start", "start"],
    ],
    [
      "it ended just at the slot's time",
      [{ startedAt: at(1), finishedAt: at(2), isScheduled: true }],
      ["start", "start", "start", "start"],
    ],
    [
      "the slot was missed, and the run of one before it goes on",
      [{ startedAt: at(2.5), finishedAt: null, isScheduled: true }],
      ["wait", "wait", "cancel", "start"],
    ],
  ];
  test.each(cases)("%s", (_, runs, decisions) => {
    const overlaps = ["skip", "queue", "cancel", "allow"] as const;
    expect(overlaps.map((overlap): string => onOverlap(overlap, at(2), runs))).toEqual(decisions);
  });
});

const later = (hours: number) => (slot: number) => slot + hours * hourMs;

const dueLater = (catchUp: "latest" | "all" | "none", now: number, hours: number): number[] =>
  [
    ...dueSlots(hourly, { last: at(1), now: at(now), catchUp, windowMs: forever }, later(hours)),
  ].map((slot) => (slot - at(0)) / hourMs);

describe("with jitter, a slot is due when its start has come", () => {
  test("not before, and also when the next slot has come meanwhile", () => {
    expect(dueLater("latest", 2.4, 0.5)).toEqual([]);
    expect(dueLater("latest", 2.5, 0.5)).toEqual([2]);
    expect(dueLater("latest", 3.1, 0.9)).toEqual([2]);
    expect(dueLater("all", 4.1, 0.9)).toEqual([2, 3]);
  });

  test("none: a slot is on time from its start on", () => {
    expect(dueLater("none", 2.5, 0.5)).toEqual([2]);
    expect(dueLater("none", 2.5 + 1 / 60, 0.5)).toEqual([2]);
    expect(dueLater("none", 2.6, 0.5)).toEqual([]);
  });
});

test("skip: a run that a person began takes no slot away, which waits for its end", () => {
  const byHand = { startedAt: at(1), isScheduled: false };
  expect(onOverlap("skip", at(2), [{ ...byHand, finishedAt: null }])).toBe("wait");
  expect(onOverlap("skip", at(2), [{ ...byHand, finishedAt: at(3) }])).toBe("start");
});
