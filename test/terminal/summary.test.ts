import { expect, test } from "bun:test";
import { taskId } from "../../src/protocol/ids.ts";
import { paletteOf } from "../../src/base/palette.ts";
import { summaryLines } from "../../src/terminal/summary-text.ts";
import { tableLines } from "../../src/terminal/text-table.ts";
import { width } from "../../src/base/text.ts";
import { boom, summary } from "./rig.ts";

const failure = (id: number, message: string, name = `task-${id}`) => ({
  id: taskId(id),
  name,
  attempt: 1,
  failure: { ...boom, message },
});
const slow = (id: number, durationMs: number) => ({
  id: taskId(id),
  name: `task-${id}`,
  durationMs,
});

test("all done", () => {
  const slowest = [slow(3, 2100), slow(9, 1900), slow(1, 1800), slow(2, 1700)];
  expect(summaryLines(summary({ slowest, alreadyDone: 40 }))).toMatchSnapshot();
  expect(summaryLines(summary({ slowest, db: ":memory:" }), { quiet: true })).toEqual([]);
});

test("a few failures are named, many are grouped", () => {
  const few = [failure(1, "x is not a function"), failure(2, "a\nb\x1b[2J", "日本")];
  const one = summary({ status: "error", done: 97, failed: 2, skipped: 1, failures: few });
  expect(summaryLines(one, { cwd: "/home/me" })).toMatchSnapshot("named");
  const groups = [
    { message: "TypeError: x is not a function", count: 2000 },
    { message: "TimeoutError: 30 s", count: 17 },
  ];
  const many = { status: "error", total: 3000, done: 982, failed: 2018 } as const;
  expect(summaryLines(summary({ ...many, failures: few, failureGroups: groups }))).toMatchSnapshot(
    "grouped",
  );
});

test("tasks of one name are told apart", () => {
  const failures = [failure(7, "a", "load"), failure(8, "b", "load"), failure(9, "c")];
  const lines = summaryLines(summary({ status: "error", failed: 3, failures }));
  expect(lines.filter((line) => line.startsWith("  ✖"))).toEqual([
    "  ✖ load #7  TypeError: a",
    "  ✖ load #8  TypeError: b",
    "  ✖ task-9   TypeError: c",
  ]);
});

test("a cancelled run, and one that failed as a whole", () => {
  const cancelled = summary({ status: "cancelled", done: 10, cancelled: 4, queued: 86 });
  expect(summaryLines(cancelled, { cwd: "/home/me" })).toMatchSnapshot("cancelled");
  const whole = summary({
    status: "error",
    done: 10,
    queued: 90,
    failure: { name: "SQLiteError", message: "disk full" },
  });
  expect(summaryLines(whole)).toMatchSnapshot("as a whole");
});

test("the next command can be typed as it stands", () => {
  const paths = { file: "/home/me/my etl's.ts", db: "/tmp/a b.db", status: "error" } as const;
  expect(summaryLines(summary(paths), { cwd: "/home/me" }).slice(-2)).toEqual([
    "  next: pipeloom status --db '/tmp/a b.db'",
    `  next: pipeloom run 'my etl'\\''s.ts' --db '/tmp/a b.db' --resume`,
  ]);
});

test("the next command repeats what tells the run from others", () => {
  const again = ["etl.ts:nightly", "--params", "p.json", "--param", "note=it's late"];
  const failed = summary({ status: "error", db: "/home/me/a.db" });
  expect(summaryLines(failed, { cwd: "/home/me", again }).at(-1)).toBe(
    "  next: pipeloom run etl.ts:nightly --params p.json --param 'note=it'\\''s late' --db a.db --resume",
  );
});

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
