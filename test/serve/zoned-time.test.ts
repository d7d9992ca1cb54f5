import { describe, expect, test } from "bun:test";

import { slotName, spanOf } from "../../src/serve/zoned-time.ts";

const iso = (epochMs: number | undefined): string | undefined =>
  epochMs === undefined ? undefined : new Date(epochMs).toISOString();

describe("a time in a zone", () => {
  test.each([
    // A day of 24, 23 and 25 hours, one that begins at 01:00, and one with half an hour more.
    ["2026-11-01", "Europe/Berlin", "2026-10-31T23:00:00.000Z", "2026-11-01T22:59:59.999Z"],
    ["2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00.000Z", "2026-03-29T21:59:59.999Z"],
    ["2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00.000Z", "2026-10-25T22:59:59.999Z"],
    ["2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00.000Z", "2018-11-05T01:59:59.999Z"],
    ["2026-04-05", "Australia/Lord_Howe", "2026-04-04T13:00:00.000Z", "2026-04-05T13:29:59.999Z"],
    ["2028-02-29", "UTC", "2028-02-29T00:00:00.000Z", "2028-02-29T23:59:59.999Z"],
    ["2026-11-01T02:30", "Europe/Berlin", "2026-11-01T01:30:00.000Z", "2026-11-01T01:30:00.000Z"],
    ["2026-11-01T02:30:15", "UTC", "2026-11-01T02:30:15.000Z", "2026-11-01T02:30:15.000Z"],
    // It comes twice; it is left out.
    ["2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"],
    ["2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00.000Z", "2026-03-29T01:30:00.000Z"],
    ["2026-11-01T02:30-05:00", "UTC", "2026-11-01T07:30:00.000Z", "2026-11-01T07:30:00.000Z"],
    ["2026-11-01T02:30Z", "Asia/Tokyo", "2026-11-01T02:30:00.000Z", "2026-11-01T02:30:00.000Z"],
  ])("%s in %s", (text, tz, first, last) => {
    const span = spanOf(text, tz);
    expect([iso(span?.first), iso(span?.last)]).toEqual([first, last]);
  });

  test.each([
    "2026-02-30",
    "2026-13-01",
    "2026-11-01T25:00",
    "yesterday",
    "2026-11",
    "",
    "1.11.2026",
  ])("%p is none", (text) => expect(spanOf(text, "UTC")).toBeUndefined());
});

test.each([
  ["2026-11-01T01:30:00Z", "Europe/Berlin", "2026-11-01 02:30"],
  ["2026-11-01T01:30:05Z", "Europe/Berlin", "2026-11-01 02:30:05"],
  ["2026-11-01T01:30:00.250Z", "UTC", "2026-11-01 01:30:00.25"],
  // The same time on the wall, twice.
  ["2026-10-25T00:30:00Z", "Europe/Berlin", "2026-10-25 02:30 +02:00"],
  ["2026-10-25T01:30:00Z", "Europe/Berlin", "2026-10-25 02:30 +01:00"],
  ["2026-10-25T02:30:00Z", "Europe/Berlin", "2026-10-25 03:30"],
])("%s in %s is called %s", (at, tz, name) => {
  expect(slotName(Date.parse(at), tz)).toBe(name);
});
