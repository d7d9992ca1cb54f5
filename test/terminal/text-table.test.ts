import { expect, test } from "bun:test";
import { paletteOf } from "../../src/base/palette.ts";
import { width } from "../../src/base/text.ts";
import { tableLines } from "../../src/terminal/text-table.ts";

const table = {
  columns: [
    { title: "id", align: "right" as const },
    { title: "task", shrinkTo: 8 },
    { title: "status" },
    { title: "started", optional: 1 },
    { title: "took", align: "right" as const },
    { title: "error", shrinkTo: 10, optional: 2 },
  ],
  rows: [
    [
      "1",
      "日本語のとても長いタスク名前",
      { text: "done", style: paletteOf(1).green },
      "3 min ago",
      "1.2 s",
    ],
    [
      "20",
      "load-page-with-a-long-name",
      "error",
      "just now",
      "10 ms",
      "TypeError: \x1b[2Jx is not a function",
    ],
  ],
};

test("a table fits its width, and what may go goes", () => {
  const tables = [Infinity, 80, 60, 40, 20].map((columns) => {
    const lines = tableLines(table, { width: columns });
    for (const line of lines) expect(width(line)).toBeLessThanOrEqual(columns);
    return lines.map((line) => Bun.stripANSI(line));
  });
  expect(tables).toMatchSnapshot();
});
