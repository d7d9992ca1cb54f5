// Which item a line is about, wherever a person or a program looks.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { pipeloom, run } from "../support/program.ts";
import { tempFolder, type TempFolder } from "../support/temp-folder.ts";

const source = `
import { each, pipeline, task } from "pipeloom";
const list = task({ name: "list", run: () => ["2025-05-12", "2025-05-13"] });
const load = task({ name: "load", run({ day }: { day: string }, ctx) {
  ctx.log.info("read");
  if (day.endsWith("3")) throw new Error("HTTP 503");
  return { rows: "x".repeat(2000) };
} });
const send = task({ name: "send", label: ({ day }) => day === "2025-05-12" ? "monday\\x1b[2J" : day.no.label, run: (_: { day: string, to: unknown }) => null });
const odd = task({ name: "odd", label: (_: number): string => 7 as never, run: (_: number) => null });
const plain = task({ name: "plain", run: (_: number[]) => null });
export default pipeline({ name: "days", tasks: () => [
  each(list(), (day) => send({ day, to: load({ day }) })),
  send({ day: "x", to: null }), send({ day: "y", to: null }), odd(1), odd(2), odd(3, { label: "three" }), odd(4, { name: "four" }),
  plain([1]), plain([2]),
] });
`;

async function ran(folder: TempFolder, ...args: readonly string[]) {
  await Bun.write(join(folder.path, "days.ts"), source);
  return run([...pipeloom, "run", "days.ts", ...args], folder.path);
}

const show = (folder: TempFolder, ...args: readonly string[]) =>
  run([...pipeloom, ...args], folder.path);

async function items(folder: TempFolder): Promise<readonly unknown[][]> {
  const sql = "SELECT name, status, label, input FROM task_runs ORDER BY name, id";
  const { out } = await show(folder, "query", sql, "-f", "json");
  return (JSON.parse(out) as object[]).map((row) => Object.values(row));
}

test("lines, the log file and the summary", async () => {
  using folder = tempFolder();
  const { err, code } = await ran(folder, "-v", "-l", "log.txt");
  expect(code).toBe(1);
  for (const line of [
    "ℹ load day=2025-05-12: read",
    "✖ load day=2025-05-13 failed: HTTP 503",
    "✔ send monday␛[2J done in",
    '⚠ send day=2025-05-13 skipped because task "load day=2025-05-13" #',
    "✔ odd three done in",
    "✔ odd 1 done in",
    "✔ four done in",
    "  ✖ load day=2025-05-13  HTTP 503",
  ])
    expect(err).toContain(line);
  const log = await Bun.file(join(folder.path, "log.txt")).text();
  expect(log).toMatch(/info {2}load day=2025-05-12 #\d+: read\n/);
  // Once for each definition, whichever thread comes upon it.
  const said = err.split("\n").filter((line) => line.includes("shown by their inputs"));
  expect(said.toSorted()).toEqual([
    '⚠ the `label` of task "odd" returned a number, not text; such tasks are shown by their inputs',
    expect.stringMatching(
      /^⚠ the `label` of task "send" failed: .*; such tasks are shown by their inputs$/,
    ),
  ]);
}, 30_000);

test("what is stored: the input, cut beyond 1,024 characters, and the author's label", async () => {
  using folder = tempFolder();
  await ran(folder, "-q");
  const rows = await items(folder);
  const long = `{"day":"2025-05-12","to":{"rows":"${"x".repeat(2000)}"}}`;
  expect(rows).toEqual([
    ["four", "done", null, "4"],
    ["list", "done", null, "null"],
    ["load", "done", null, '{"day":"2025-05-12"}'],
    ["load", "error", null, '{"day":"2025-05-13"}'],
    ["odd", "done", null, "1"],
    ["odd", "done", null, "2"],
    ["odd", "done", "three", "3"],
    ["plain", "done", null, "[1]"],
    ["plain", "done", null, "[2]"],
    ...rows.filter(([name]) => name === "send"),
  ]);
  const sent = rows.filter(([name]) => name === "send").map((row) => row.slice(1));
  expect(sent.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([
    ["done", null, '{"day":"x","to":null}'],
    ["done", null, '{"day":"y","to":null}'],
    ["done", "monday\x1b[2J", `${long.slice(0, 1024)}…`],
    ["skipped", null, '{"day":"2025-05-13","to":…'],
  ]);
}, 30_000);

test("--inputs full stores all of it, none neither stores nor shows it", async () => {
  using folder = tempFolder();
  await ran(folder, "-q", "--inputs", "full", "--db", "full.db");
  const sql = "SELECT max(length(input)) AS longest FROM task_runs";
  const full = await show(folder, "query", sql, "--db", "full.db", "-f", "json");
  expect(JSON.parse(full.out)).toEqual([{ longest: 2037 }]);
  const { err, out } = await ran(folder, "-v", "--json", "--inputs", "none");
  expect(err).toMatch(/✖ load(?: #\d+)? failed: HTTP 503/);
  expect(err).toContain("✔ send monday␛[2J done");
  expect(`${out}${err}`).not.toContain("day=");
  expect((await items(folder)).map(([, , , input]) => input)).toEqual(Array(13).fill(null));
  const wrong = await show(folder, "run", "days.ts", "--inputs", "some");
  expect(wrong.code).toBe(2);
}, 30_000);

test("for programs: --json, status, logs", async () => {
  using folder = tempFolder();
  const { out } = await ran(folder, "--json");
  const events = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const labels = (type: string, name: string): unknown[] =>
    events
      .filter((event) => event["type"] === type && event["name"] === name)
      .map(({ label }) => label)
      .toSorted((a, b) => String(a).localeCompare(String(b)));
  expect(labels("task-finished", "load")).toEqual(["day=2025-05-12", "day=2025-05-13"]);
  expect(labels("task-log", "load")).toEqual(["day=2025-05-12", "day=2025-05-13"]);
  expect(labels("task-finished", "send")).toEqual([
    "day=2025-05-13",
    "day=x",
    "day=y",
    "monday\x1b[2J",
  ]);
  expect(labels("task-finished", "odd")).toEqual(["1", "2", "three"]);
  expect(labels("task-finished", "four")).toEqual([undefined]);
  expect(events.filter((event) => "input" in event)).toEqual([]);
  const status = JSON.parse((await show(folder, "status", "--format", "json")).out) as {
    tasks: { name: string; label: string | null }[];
    failures: { tasks: { label: string | null }[] }[];
  };
  const shown = status.tasks.map(({ name, label }) => `${name} ${label}`).toSorted();
  expect(shown.slice(0, 5)).toEqual(["four null", "list null", ...shown.slice(2, 5)]);
  expect(shown).toContain("load day=2025-05-13");
  expect(status.failures[0]?.tasks[0]?.label).toBe("day=2025-05-13");
  const logs = await show(folder, "logs", "--json");
  expect(logs.out).toContain('"task":"load","label":"day=2025-05-12"');
}, 30_000);

test("for people: status and logs", async () => {
  using folder = tempFolder();
  await ran(folder, "-q");
  const status = await show(folder, "status");
  expect(status.out).toMatch(/✖ load day=2025-05-13 #\d+: HTTP 503\n/);
  expect(status.out).toMatch(/ {2}send monday␛\[2J {2,}done /);
  expect(status.out).toMatch(/ {2}send day=2025-05-13 {2,}skipped /);
  const logs = await show(folder, "logs");
  expect(logs.out).toMatch(/ ℹ load day=2025-05-13 #\d+: read\n/);
}, 30_000);

test("a label that never returns fails its task by name, and no other", async () => {
  using folder = tempFolder();
  await Bun.write(
    join(folder.path, "loop.ts"),
    `import { pipeline, task } from "pipeloom";
const load = task({ name: "load", label({ day }: { day: number }) { for (; day === 3;); return "day " + day; },
  run: ({ day }: { day: number }) => day });
export default pipeline({ name: "loop", tasks: () => Array.from({ length: 6 }, (_, day) => load({ day })) });`,
  );
  const { code, err } = await run([...pipeloom, "run", "loop.ts", "-w1", "-c2"], folder.path);
  expect(code).toBe(1);
  expect(err).toContain(
    '✖ load day=3 failed: LabelError: the `label` of task "load" has not returned after 5 s, so its thread was ended',
  );
  const rows = (await items(folder)).map(([name, status, label, input]) =>
    [name, status, label, input].join(" "),
  );
  expect(rows.toSorted()).toEqual([
    'load done day 0 {"day":0}',
    'load done day 1 {"day":1}',
    'load done day 2 {"day":2}',
    'load done day 4 {"day":4}',
    'load done day 5 {"day":5}',
    'load error  {"day":3}',
  ]);
}, 60_000);

// One thread: the tasks share the module's variables.
const threadSource = `
import { existsSync, writeFileSync } from "node:fs";
import { pipeline, task } from "pipeloom";
let lateHasCalled = () => {}, isRunning = () => {};
const called = new Promise<void>((resolve) => { lateHasCalled = resolve; });
const running = new Promise<void>((resolve) => { isRunning = resolve; });
const late = task({ name: "late", run({ day }: { day: string }, ctx) {
  void called.then(() => ctx.insert("t", [{ day }]).catch(() => {}));
  return 1;
} });
const neighbour = task({ name: "neighbour", run(_: { day: string }) {
  if (existsSync("begun")) return 1;
  writeFileSync("begun", "");
  isRunning();
  return new Promise(() => {});
} });
const exits = task({ name: "exits", optional: true, async run({ of }: { of: number }, ctx) {
  lateHasCalled();
  await running;
  process.exit(of);
} });
export default pipeline({ name: "thread", schema: "CREATE TABLE t (day)", tasks: () => {
  const done = late({ day: "monday" });
  return [neighbour({ day: "tuesday" }, { after: [done] }), exits({ of: 3 }, { after: [done] })];
} });
`;

test("a line of a task that has ended, or is interrupted, names its item too", async () => {
  using folder = tempFolder();
  await Bun.write(join(folder.path, "thread.ts"), threadSource);
  const { err } = await run([...pipeloom, "run", "thread.ts", "-w", "1", "-c", "2"], folder.path);
  expect(err).toContain("✖ late day=monday: after the task had ended (attempt 1: done), it called");
  expect(err).toContain("⚠ neighbour day=tuesday: attempt 1 was interrupted");
}, 30_000);
