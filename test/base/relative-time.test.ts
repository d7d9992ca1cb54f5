import { expect, test } from "bun:test";
import { localTime, relativeTime } from "../../src/base/relative-time.ts";

const ago = (seconds: number): string => relativeTime(0, seconds * 1000);

test("times as people say them", () => {
  expect([1, 5, 200, 7200, 90_000, 800_000, 5e6, 9e7].map(ago)).toEqual([
    "just now",
    "5 s ago",
    "3 min ago",
    "2 h ago",
    "1 d ago",
    "1 wk ago",
    "1 mo ago",
    "2 yr ago",
  ]);
  expect(ago(-30)).toBe("in 30 s");
});

test("a year has four digits, or six and a sign", () => {
  const years = [
    "0000-06-01T12:00Z",
    "0987-06-01T12:00Z",
    "-000012-06-01T12:00Z",
    "+012345-06-01T12:00Z",
  ];
  expect(years.map((text) => localTime(Date.parse(text)).replace(/-06-01 .*/, ""))).toEqual([
    "0000",
    "0987",
    "-000012",
    "+012345",
  ]);
});
