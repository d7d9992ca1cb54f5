import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  cellText,
  fit,
  fitMiddle,
  grouped,
  pad,
  relative,
  rowsOf,
  visible,
  visibleLines,
  visibleText,
  width,
  wrapped,
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
  expect(relative("/a/b/c.db", "/a/b")).toBe("c.db");
  expect(relative("/a/bc.db", "/a/b")).toBe("/a/bc.db");
  expect(relative("./c.db", "")).toBe("c.db");
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

test("a line is broken at its words, and further rows are indented", () => {
  expect(wrapped("  one two three four", 12)).toEqual(["  one two", "    three", "    four"]);
  expect(wrapped("short", 12)).toEqual(["short"]);
  expect(wrapped("a line of any length", Infinity)).toEqual(["a line of any length"]);
  // A path or an address can be copied.
  const path = "/a/path/that/is/longer/than/the/row";
  expect(wrapped(`see ${path} for more`, 20)).toEqual(["see", `  ${path}`, "  for more"]);
  const red = wrapped("\x1b[31mred words go on\x1b[39m", 10);
  expect(red.map((row) => Bun.stripANSI(row))).toEqual(["red", "  words go", "  on"]);
  for (const row of red) {
    expect(row.trim()).toStartWith("\x1b[31m");
    expect(row).toEndWith("\x1b[39m");
  }
});

test("a name is cut in its middle, to exactly its room", () => {
  const cuts = [20, 19, 10, 9, 4, 3, 2, 1].map((columns) =>
    fitMiddle("wait-for-day=2025-05-13", columns),
  );
  expect(cuts.join(" ")).toBe(
    "wait-for-d…025-05-13 wait-for-…025-05-13 wait-…5-13 wait…5-13 wa…3 w…3 w… …",
  );
  expect(fitMiddle("short", 5)).toBe("short");
  // Cut as any other text, only faster.
  const text = fc.string({ unit: "grapheme-ascii" });
  fc.assert(
    fc.property(text, fc.integer({ min: 3, max: 30 }), (ascii, columns) => {
      const other = fitMiddle(ascii.replaceAll(/./g, "é"), columns);
      expect(fitMiddle(ascii, columns).replaceAll(/[^…]/g, "é")).toBe(other);
    }),
  );
});
