import { describe, expect, test } from "bun:test";

import { actionFor, askedOf, slotWords } from "../../../src/commands/backfill/backfill-plan.ts";
import { noSlotLine } from "../../../src/commands/backfill/backfill-text.ts";
import { rangeOf, slotsIn } from "../../../src/commands/backfill/slot-range.ts";
import { UsageError } from "../../../src/cli/usage-error.ts";
import { runId } from "../../../src/protocol/ids.ts";
import type { SlotState } from "../../../src/store/read/slot-runs.ts";

const flags = { downstream: false, wait: false };

test.each([
  [null, [], "run"],
  ["done", [], "none"],
  ["failed", [], "none"],
  ["stopped", [], "continue"],
  ["running", [], "none"],
  [null, ["failed"], "run"],
  ["done", ["failed"], "none"],
  ["failed", ["failed"], "continue"],
  [null, ["load"], "run"],
  ["done", ["load"], "rerun"],
  ["failed", ["load"], "rerun"],
  ["stopped", ["load"], "rerun"],
  ["running", ["load"], "none"],
] as [SlotState | null, string[], string][])(
  "a slot that is %p, with --rerun %p: %s",
  (state, rerun, action) => {
    const found = state === null ? null : { run: runId(1), state };
    expect(actionFor(found, askedOf(rerun, flags))).toBe(action as never);
  },
);

test("--wait waits for a run that goes on", () => {
  const asked = askedOf([], { ...flags, wait: true });
  expect(actionFor({ run: runId(1), state: "running" }, asked)).toBe("wait");
  expect(slotWords(0, "wait", asked)).toEqual([
    "--scheduled-for",
    "1970-01-01T00:00:00.000Z",
    "--wait",
  ]);
});

test("tasks are run again only in a slot that has a run", () => {
  const asked = askedOf(["failed", "load", "-x"], { ...flags, downstream: true });
  expect(slotWords(0, "run", asked)).toEqual(["--scheduled-for", "1970-01-01T00:00:00.000Z"]);
  expect(slotWords(0, "rerun", asked)).toEqual([
    "--scheduled-for",
    "1970-01-01T00:00:00.000Z",
    "--rerun",
    "load",
    "--rerun=-x",
    "--downstream",
  ]);
});

const tz = "Europe/Berlin";
const now = Date.parse("2026-11-27T12:00:00Z");
const daily = { when: { kind: "cron", cron: "30 2 * * *" }, tz } as const;

const isoSlots = (from: string, to?: string): string[] =>
  slotsIn(daily, rangeOf({ from, to }, tz, now), tz).map((slot) => new Date(slot).toISOString());

describe("the slots of a range", () => {
  test("both days are included, in the zone of the schedule", () => {
    expect(isoSlots("2026-11-01", "2026-11-02")).toEqual([
      "2026-11-01T01:30:00.000Z",
      "2026-11-02T01:30:00.000Z",
    ]);
  });

  test("both times are included", () => {
    expect(isoSlots("2026-11-01T02:30", "2026-11-02T02:30")).toHaveLength(2);
    expect(isoSlots("2026-11-01T02:31", "2026-11-02T02:29")).toEqual([]);
    expect(isoSlots("2026-11-01T01:30Z", "2026-11-01T01:30Z")).toHaveLength(1);
  });

  test("each day of a change of the clocks has its slot once", () => {
    expect(isoSlots("2026-03-28", "2026-03-30")).toEqual([
      "2026-03-28T01:30:00.000Z",
      "2026-03-29T01:30:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
    expect(isoSlots("2026-10-24", "2026-10-26")).toEqual([
      "2026-10-24T00:30:00.000Z",
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });

  test("those that come are left to the schedule", () => {
    expect(isoSlots("2026-11-26", "2026-11-30")).toHaveLength(2);
    expect(rangeOf({ from: "2026-11-26", to: "2026-11-30" }, tz, now).isCut).toBeTrue();
    expect(rangeOf({ from: "2d", to: undefined }, tz, now)).toEqual({
      first: now - 2 * 86_400_000,
      last: now,
      isCut: false,
    });
  });
});

test("that a range has no slot is said in the zone of the schedule", () => {
  const about = { pipeline: "posts", file: "posts.ts", db: "posts.db", tz };
  const said = noSlotLine({
    ...about,
    ...rangeOf({ from: "2026-11-02T03:00", to: "2026-11-02" }, tz, now),
  });
  expect(said).toBe(
    'the schedule of "posts" has no slot from 2026-11-02 03:00 to 2026-11-02 23:59:59 (Europe/Berlin): nothing to run',
  );
});

test.each([
  ["yesterday", undefined, "--from must be a day such as 2026-11-01"],
  ["2026-02-30", undefined, "--from must be a day"],
  ["2026-11-01", "1 Nov", "--to must be a day"],
  ["2026-11-02", "2026-11-01", "--to 2026-11-01 is before --from 2026-11-02"],
  ["2026-12-01", undefined, "--from 2026-12-01 is in the future"],
])("--from %p --to %p is refused", (from, to, says) => {
  expect(() => rangeOf({ from, to }, tz, now)).toThrow(says);
});

test("a range that nobody means is refused before its slots fill the memory", () => {
  const each = { when: { kind: "every", everyMs: 1000 }, tz: null } as const;
  expect(() => slotsIn(each, { first: 0, last: now }, "UTC")).toThrow(
    "the range has more than 100,000 slots",
  );
});

test.each(["2000-01-02T03:46:39Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"])(
  "the shorter range that is named then is none that is too long: to %s, also in an hour that comes twice",
  (text) => {
    const last = Date.parse(text);
    const each = { when: { kind: "every", everyMs: 1000 }, tz } as const;
    const from = new Date(last - 99_999_000).toISOString();
    const slotsTo = (to: string | undefined): number[] =>
      slotsIn(each, rangeOf({ from, to }, tz, now), tz);
    let hint = "";
    try {
      slotsTo(undefined);
    } catch (thrown) {
      if (thrown instanceof UsageError) hint = thrown.hint ?? "";
    }
    const slots = slotsTo(hint.match(/--to (\S+)/)?.[1]);
    expect([slots.length, slots.at(-1)]).toEqual([100_000, last]);
  },
);
