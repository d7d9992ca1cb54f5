import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { clock, duration } from "../../src/base/format-duration.ts";
import { foregroundOf } from "../../src/terminal/foreground.ts";
import { relativeTime } from "../../src/base/relative-time.ts";
import {
  cellText,
  fit,
  grouped,
  pad,
  relative,
  rowsOf,
  visible,
  visibleLines,
  visibleText,
  width,
} from "../../src/base/text.ts";

test("control characters and direction overrides become visible", () => {
  expect(visible("a\0b\x07\x1b]0;t\x07\x7f\x9b1m")).toBe("a␀b␇␛]0;t␇␡\\x9b1m");
  expect(visible("x\u202ey\u2066z\u200b")).toBe("x\\u202ey\\u2066z\\u200b");
  expect(visible("tab\tand\r\nbreak")).toBe("tab    and␍␊break");
  expect(visible("half \ud83d of a pair")).toBe("half \ufffd of a pair");
});

test("colours of user code's own are dropped; letters of all scripts stay", () => {
  expect(visible("\x1b[1;31mred\x1b[0m")).toBe("red");
  for (const text of ["日本語", "👩‍👩‍👧 🇩🇪", "e\u0301", "שלום", "नमस्ते"])
    expect(visible(text)).toBe(text);
});

test("lines are split, without an empty one at the end", () => {
  expect(visibleLines("a\r\nb\n\nc\x1b[2J\n\n")).toEqual(["a", "b", "", "c␛[2J"]);
  expect(visibleLines("")).toEqual([""]);
});

test("text of several lines keeps its breaks", () => {
  expect(visibleText("a\x1b[2Jb\u202ec\r\nd\u0085é…\n")).toBe("a␛[2Jb\\u202ec\nd\\x85é…");
});

test("whatever the text, it is cut to its columns and filled to them", () => {
  const texts = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom(
      "日本語のとても長い名前",
      "👩‍👩‍👧-👩‍👩‍👧-👩‍👩‍👧",
      "a日b本c語",
      "שלום עולם",
      "e\u0301".repeat(9),
    ),
  );
  fc.assert(
    fc.property(texts, fc.integer({ min: 0, max: 30 }), (text, columns) => {
      const safe = visible(text);
      expect(width(fit(safe, columns))).toBeLessThanOrEqual(columns);
      expect(width(pad(safe, columns))).toBe(columns);
    }),
  );
});

test("rows count what a terminal wraps", () => {
  expect(rowsOf("", 10)).toBe(1);
  expect(rowsOf("1234567890", 10)).toBe(1);
  expect(rowsOf("\x1b[31m12345678901\x1b[0m", 10)).toBe(2);
  // Two columns each: four fit into nine.
  expect(rowsOf("日本日本日本日本日", 9)).toBe(3);
});

test("figures and paths", () => {
  expect([0, 999, 1000, 1234567].map(grouped)).toEqual(["0", "999", "1,000", "1,234,567"]);
  expect([0, 59_999, 3_600_000, 360_000_000].map(clock)).toEqual([
    "0:00:00",
    "0:00:59",
    "1:00:00",
    "100:00:00",
  ]);
  expect([0, 340, 999.6, 7300, 59_960, 125_000, 12_000_000].map(duration)).toEqual([
    "0 ms",
    "340 ms",
    "1000 ms",
    "7.3 s",
    "1 min 00 s",
    "2 min 05 s",
    "3 h 20 min",
  ]);
  expect(relative("/a/b/c.db", "/a/b")).toBe("c.db");
  expect(relative("/a/bc.db", "/a/b")).toBe("/a/bc.db");
  expect(relative("./c.db", "")).toBe("c.db");
});

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

test("a process knows from its stat whether the terminal is its own", () => {
  expect(foregroundOf("12 (a b) c) S 1 12 12 34816 12 4194304")).toBe(true);
  expect(foregroundOf("12 (bun) S 1 12 12 34816 99 4194304")).toBe(false);
  expect(foregroundOf("12 (bun) S 1 12 12 0 -1 4194304")).toBe(true);
});

test("in a cell, pictures of several characters are their parts, and no terminal measures them in another way", () => {
  expect(cellText("👩\u200d👩\u200d👧 👍🏽 ❤\ufe0f 1\ufe0f\u20e3 🏴\u{e0067}\u{e007f}")).toBe(
    "👩👩👧 👍 ❤ 1 🏴",
  );
  expect(cellText("plain")).toBe("plain");
  expect(cellText("a\u001b[2J")).toBe("a␛[2J");
  // Joiners that shape letters stay.
  expect(cellText("می\u200cخواهم क्\u200dष")).toBe("می\u200cخواهم क्\u200dष");
});

test("property: a cell is as wide as its characters are together", () => {
  const char = fc.constantFrom(
    "a",
    "界",
    "👩",
    "❤",
    "\u200d",
    "\ufe0f",
    "\ufe0e",
    "🏽",
    "1",
    "\u20e3",
    "\u{e0067}",
    "e",
    "\u0301",
    "🖼",
  );
  fc.assert(
    fc.property(fc.array(char), (chars) => {
      const text = cellText(chars.join(""));
      const parts = Array.from(text, (each) => width(each)).reduce((sum, each) => sum + each, 0);
      expect(width(text)).toBe(parts);
    }),
  );
});
