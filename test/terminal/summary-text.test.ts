import { NothingSelectedError } from "../../src/plan/selection.ts";
import { expect, test } from "bun:test";
import { paletteOf } from "../../src/base/palette.ts";
import { taskId } from "../../src/protocol/ids.ts";
import { summaryLines } from "../../src/terminal/summary-text.ts";
import { boom, summary } from "./rig.ts";

const failure = (id: number, message: string, name = `task-${id}`) => ({
  id: taskId(id),
  name,
  attempt: 1,
  input: "null",
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
    {
      message: "TypeError: x is not a function",
      count: 2000,
      tasks: ["load day=1", "load 日本\x1b[2J"],
    },
    { message: "TimeoutError: 30 s", count: 17, tasks: ["load", "load", "load"] },
  ];
  const many = { status: "error", total: 3000, done: 982, failed: 2018 } as const;
  expect(summaryLines(summary({ ...many, failures: few, failureGroups: groups }))).toMatchSnapshot(
    "grouped",
  );
});

test("tasks of one name are shown with their ids", () => {
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
    queued: 88,
    interrupted: 2,
    failure: { name: "SQLiteError", message: "disk full" },
  });
  expect(summaryLines(whole)).toMatchSnapshot("as a whole");
});

test("the next command can be typed as it is shown", () => {
  const paths = { file: "/home/me/my etl's.ts", db: "/tmp/a b.db", status: "error" } as const;
  expect(summaryLines(summary(paths), { cwd: "/home/me" }).slice(-2)).toEqual([
    "  next: pipeloom status --db '/tmp/a b.db'",
    `  next: pipeloom run 'my etl'\\''s.ts' --db '/tmp/a b.db' --resume`,
  ]);
});

test("a path that begins like a flag, in a command", () => {
  const paths = { file: "/home/me/-p.ts", db: "/home/me/-x", status: "error" } as const;
  expect(summaryLines(summary(paths), { cwd: "/home/me" }).slice(-2)).toEqual([
    "  next: pipeloom status --db ./-x",
    "  next: pipeloom run ./-p.ts --db ./-x --resume",
  ]);
});

test("where --only has selected nothing, there is nothing to continue", () => {
  const { code, name, message } = new NothingSelectedError("only day=x: no task has this input");
  const failed = summary({
    status: "error",
    db: "/home/me/a.db",
    failure: { code, name, message },
  });
  expect(summaryLines(failed, { cwd: "/home/me" }).slice(-2)).toEqual([
    "  PlanError: only day=x: no task has this input",
    "  next: pipeloom status --db a.db",
  ]);
});

test("after failed tasks, the next command runs these again, in this run", () => {
  const failed = summary({
    status: "error",
    failed: 1,
    db: "/home/me/a.db",
    rerun: "pipeloom run /home/me/etl.ts --db /home/me/a.db --rerun failed --resume 1",
  });
  const last = (more: object): string | undefined =>
    summaryLines({ ...failed, ...more }, { cwd: "/home/me" }).at(-1);
  expect(last({})).toBe("  next: pipeloom run etl.ts --db a.db --rerun failed --resume 1");
  expect(last({ status: "cancelled" })).toBe("  next: pipeloom run etl.ts --db a.db --resume");
  const again = ["etl.ts", "--only", "day=a b"];
  expect(summaryLines(failed, { cwd: "/home/me", again }).at(-1)).toBe(
    "  next: pipeloom run etl.ts --only 'day=a b' --db a.db --resume 1",
  );
});

test("the next command repeats the arguments that name the run", () => {
  const again = ["etl.ts:nightly", "--params", "p.json", "--param", "note=it's late"];
  const failed = summary({ status: "error", db: "/home/me/a.db" });
  expect(summaryLines(failed, { cwd: "/home/me", again }).at(-1)).toBe(
    "  next: pipeloom run etl.ts:nightly --params p.json --param 'note=it'\\''s late' --db a.db --resume",
  );
});

const many = {
  definitions: [
    { task: "load", tasks: 365, totalMs: 41_200 },
    { task: "transform", tasks: 365, totalMs: 20_100 },
    { task: "report", tasks: 1, totalMs: 20 },
  ],
  rows: 36_500,
  cpuMs: 38_000,
  finishedAt: summary().startedAt + 40_000,
} as const;
const forWorker = { task: "load", cause: "worker", tasks: 300, longestMs: 30_000 } as const;
const forRate = {
  task: "transform",
  cause: "rate",
  pool: "api",
  tasks: 9,
  longestMs: 5000,
} as const;

const costs = (more: Parameters<typeof summary>[0], columns = 100): string[] =>
  summaryLines(summary({ db: ":memory:", ...more }), { columns }).slice(1);

test("where the time went, what waited, and what was written", () => {
  const slowest = [slow(1, 3000), slow(2, 2500), slow(3, 110)];
  expect(costs({ ...many, slowest, waits: [forWorker, forRate] })).toEqual([
    "  slowest: task-1 3.0 s · task-2 2.5 s",
    "  most time: load 41.2 s in 365 tasks · transform 20.1 s in 365 tasks",
    "  waited: transform up to 5.0 s for the rate of pool api · 36,500 rows written · 38.0 s of CPU",
  ]);
  expect(costs({ ...many, waits: [forWorker] }, 60)).toEqual([
    "  most time: load 41.2 s in 365 tasks",
    "  waited: load up to 30.0 s for a free worker",
  ]);
});

test("a short run says no more than it did, and short waits nothing", () => {
  const few = { definitions: [{ task: "a", tasks: 9, totalMs: 900 }], rows: 9, cpuMs: 900 };
  const short = summary().startedAt + 800;
  expect(costs({ ...few, finishedAt: short, waits: [{ ...forWorker, longestMs: 700 }] })).toEqual(
    [],
  );
  const waits = [{ ...forRate, longestMs: 3900 }];
  expect(costs({ ...many, rows: 0, cpuMs: 0, definitions: [], waits })).toEqual([]);
});

test("on a narrow terminal the summary is broken at words, and commands are left whole", () => {
  const failures = [failure(1, "GET https://example.com/days/7: 503 Service Unavailable")];
  const one = summary({ status: "error", done: 99, failed: 1, failures });
  const lines = summaryLines(one, { cwd: "/home/me", columns: 40 });
  expect(lines).toEqual([
    "✖ demo failed: 99 of 100 tasks done, 1",
    "  failed in 7.3 s → wal_demo.db",
    "  ✖ task-1  TypeError: GET",
    "    https://example.com/days/7: 503",
    "    Service Unavailable",
    "  next: pipeloom status --db wal_demo.db",
    "  next: pipeloom run etl.ts --db wal_demo.db --resume",
  ]);
  for (const colors of [paletteOf(1), paletteOf(3)]) {
    const colored = summaryLines(one, { cwd: "/home/me", columns: 40, colors });
    expect(colored.map((line) => Bun.stripANSI(line))).toEqual(lines);
  }
});
