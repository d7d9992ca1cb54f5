import { expect, spyOn, test } from "bun:test";
import * as fc from "fast-check";
import type { RunEvent } from "../../src/protocol/events.ts";
import { taskId } from "../../src/protocol/ids.ts";
import { VirtualTerminal } from "../support/virtual-terminal.ts";
import { event, rig, summary } from "./rig.ts";

test("the regions stand below the log lines, and the task region is gone at the end", () => {
  const { ui, clock, terminal } = rig({ columns: 70, rows: 12 });
  ui.events([event.runStarted(), event.total(3), event.started(1), event.started(2)]);
  clock.tick();
  ui.events([event.progress(1, 0.5, "half"), event.log(1, "a line")]);
  clock.tick();
  expect(terminal.screen()).toMatchSnapshot("running");
  expect(terminal.cursorVisible).toBe(false);
  ui.events([
    event.finished(1),
    event.finished(2, "error"),
    event.finished(3),
    event.runFinished(),
  ]);
  ui.finish(summary({ total: 3, done: 2, failed: 1, status: "error" }));
  expect(terminal.screen()).toMatchSnapshot("finished");
  expect(terminal.cursorVisible).toBe(true);
  expect(terminal.isPlain).toBe(true);
});

test("nothing is written while nothing changes, and nothing inside events()", () => {
  const { ui, clock, terminal } = rig();
  ui.events([event.runStarted(), event.total(2), event.started(1)]);
  expect(terminal.writes).toHaveLength(0);
  clock.tick();
  const { length } = terminal.writes;
  clock.tick(0);
  clock.tick(0);
  expect(terminal.writes).toHaveLength(length);
  ui.close();
});

test("a frame is one write of only the lines that changed", () => {
  const { ui, clock, terminal } = rig({ rows: 40 });
  ui.events([event.runStarted(), event.total(9), event.started(1), event.started(2)]);
  clock.tick();
  ui.events([event.progress(2, 0.5)]);
  clock.tick(0);
  expect(terminal.writes).toHaveLength(2);
  expect(terminal.writes[1]).toContain("task-2");
  expect(terminal.writes[1]).not.toContain("task-1");
  ui.close();
});

test("of a row whose spinner alone has turned, the spinner is written", () => {
  const { ui, clock, terminal } = rig({ columns: 90, rows: 12 });
  ui.events([event.runStarted(), event.total(9), event.started(1)]);
  ui.events([event.progress(1, 0.5)]);
  clock.tick();
  const before = terminal.screen();
  clock.tick();
  const written = terminal.writes.at(-1) ?? "";
  expect(written).not.toContain("task-1");
  expect(written.length).toBeLessThan(120);
  const after = terminal.screen();
  expect(after.map((line) => line.slice(1))).toEqual(before.map((line) => line.slice(1)));
  expect(after).not.toEqual(before);
  ui.close();
});

test("a tall region is drawn every second time, unless there are lines to print", () => {
  const { ui, clock, terminal } = rig({ rows: 60 });
  ui.events([event.runStarted(), event.total(40)]);
  ui.events(Array.from({ length: 40 }, (_, i) => event.started(i + 1)));
  clock.tick();
  expect(terminal.writes).toHaveLength(1);
  clock.tick();
  expect(terminal.writes).toHaveLength(1);
  clock.tick();
  expect(terminal.writes).toHaveLength(2);
  ui.events([event.log(1, "a line")]);
  clock.tick();
  expect(terminal.writes).toHaveLength(3);
  ui.close();
});

test("a flood of lines does not wait for the next frame", () => {
  const { ui, terminal } = rig();
  ui.events([event.runStarted(), event.total(2), event.started(1)]);
  for (let i = 0; i < 5000; i++) ui.events([event.log(1, `line ${i}`)]);
  expect(terminal.lines().length).toBeGreaterThan(3000);
  ui.close();
  expect(terminal.lines().filter((line) => line.includes("line "))).toHaveLength(5000);
});

test("what data says is shown and not obeyed", () => {
  const { ui, clock, terminal } = rig({ columns: 100 });
  const evil = "\x1b]0;pwned\x07\x1b[2J\x9b1m\u202e\r\nx\x1b[31m";
  ui.events([event.runStarted(), event.total(2), event.started(1, 0, evil)]);
  ui.events([event.progress(1, 0.5, evil), event.log(1, evil, "info", evil)]);
  ui.log("info", evil);
  clock.tick();
  ui.events([event.finished(1, "error", 10, evil), event.retrying(2, 3000, 0, evil)]);
  clock.tick();
  ui.finish(summary({ pipeline: evil, db: evil, status: "error" }));
  const text = terminal.lines().join("\n");
  expect(text).toContain("␛]0;pwned␇␛[2J\\x9b1m\\u202e");
});

test("what the main thread prints stands above the regions", () => {
  const spy = spyOn(process.stdout, "write");
  const { ui, clock, terminal } = rig();
  ui.events([event.runStarted(), event.total(1), event.started(1)]);
  console.log("from user code \x1b]0;title\x07");
  process.stderr.write("a warning\n");
  clock.tick();
  ui.close();
  expect(terminal.lines().slice(0, 3)).toEqual([
    "ℹ demo · run 1 · 1 task · 4 workers → wal_demo.db",
    "from user code ␛]0;title␇",
    "a warning",
  ]);
  expect(spy).not.toHaveBeenCalled();
  spy.mockRestore();
});

test("a close in the middle of a run leaves no task lines and gives the cursor back", () => {
  const { ui, clock, terminal } = rig();
  ui.events([event.runStarted(), event.total(2), event.started(1)]);
  clock.tick();
  ui.close();
  ui.close();
  expect(terminal.cursorVisible).toBe(true);
  expect(terminal.lines().filter((line) => line.includes("task-1"))).toEqual([]);
  expect(terminal.cursor.column).toBe(0);
  // Also where the end of the last frame was lost.
  expect(terminal.writes.at(-1)).toEndWith("\x1b[0m\x1b[?7h\x1b[?25h");
});

test("pipeloom's own sentences are broken at words, what others say by the terminal", () => {
  const { ui, clock, terminal } = rig({ columns: 40, rows: 20 });
  ui.events([event.runStarted({ pipeline: "nightly-import" }), event.total(32), event.started(1)]);
  ui.events([event.log(1, "12345 ".repeat(10))]);
  clock.tick();
  ui.stopping("SIGINT", false);
  clock.tick();
  expect(terminal.screen().slice(0, 6)).toEqual([
    "ℹ nightly-import · run 1 · 32 tasks ·",
    "  4 workers → wal_demo.db",
    "ℹ task-1: 12345 12345 12345 12345 12345",
    "12345 12345 12345 12345 12345",
    "⚠ stopping: waiting up to 10 s for 1",
    "  running task; Ctrl-C again to stop now",
  ]);
  ui.close();
});

// ── whatever happens in whatever order ─────────────────────────────────────────────────────────────────

type Step =
  | { type: "start" | "finish" | "fail" | "retry"; id: number }
  | { type: "progress"; id: number; value: number }
  | { type: "log"; id: number }
  | { type: "tick" }
  | { type: "resize"; columns: number; rows: number };

const names = [
  "task",
  "日本語のタスク名",
  "שלום",
  "👩‍👩‍👧-familie",
  "e\u0301tude",
  "a-very-long-name-".repeat(3),
];

function steps(columns: fc.Arbitrary<number>, rows: fc.Arbitrary<number>, tasks: number) {
  const id = fc.integer({ min: 1, max: tasks });
  const step = fc.oneof(
    fc.record({ type: fc.constantFrom("start", "finish", "fail", "retry"), id }),
    fc.record({
      type: fc.constant("progress"),
      id,
      value: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    fc.record({ type: fc.constant("log"), id }),
    fc.record({ type: fc.constant("tick") }),
    fc.record({ type: fc.constant("resize"), columns, rows }),
  );
  return fc.array(step, { maxLength: 60 });
}

const name = (id: number): string => `${names[id % names.length]}-${id}`;

/** Plays the steps and returns the terminal and the log lines that were said. */
function play(script: readonly Step[], size: { columns: number; rows: number }) {
  const { ui, clock, terminal } = rig(size);
  const said: string[] = [];
  let failed = 0;
  const send = (...events: RunEvent[]): void => ui.events(events);
  send(event.runStarted(), event.total(50));
  for (const step of script) {
    if (step.type === "start") send(event.started(step.id, 0, name(step.id)));
    else if (step.type === "finish") send(event.finished(step.id, "done", 10, name(step.id)));
    else if (step.type === "retry") send(event.retrying(step.id, 9000, 0, name(step.id)));
    else if (step.type === "progress") send(event.progress(step.id, step.value, "a message"));
    else if (step.type === "tick") clock.tick();
    else if (step.type === "resize") terminal.resize(step.columns, step.rows);
    else if (step.type === "log") {
      said.push(`says <${"blah ".repeat(said.length % 7)}${said.length}>`);
      send(event.log(step.id, said.at(-1) ?? "", "info", "x"));
    } else {
      failed++;
      send(event.finished(step.id, "error", 10, name(step.id)));
    }
  }
  send(event.runFinished());
  ui.finish(summary());
  return { terminal, said, failed };
}

function expectWholeLog(lines: readonly string[], said: readonly string[], failed: number): void {
  expect(lines.filter((line) => line.startsWith("ℹ x: "))).toEqual(
    said.map((line) => `ℹ x: ${line}`),
  );
  expect(lines.filter((line) => line.includes("failed: TypeError"))).toHaveLength(failed);
  expect(lines.filter((line) => line.startsWith("ℹ demo · run 1 "))).toHaveLength(1);
}

test("every log line once, one overall line and no task line, as long as the regions fit", () => {
  const script = steps(fc.integer({ min: 25, max: 140 }), fc.integer({ min: 36, max: 60 }), 4);
  fc.assert(
    fc.property(script, (all) => {
      const { terminal, said, failed } = play(all, { columns: 80, rows: 40 });
      const lines = terminal.lines();
      expectWholeLog(lines, said, failed);
      expect(lines.filter((line) => /^. All/.test(line))).toHaveLength(1);
      const regions = lines.filter((line) => /[━─]/.test(line) && !/^. All/.test(line));
      expect(regions).toEqual([]);
      expect(terminal.cursorVisible).toBe(true);
      expect(terminal.cursor.column).toBe(0);
    }),
    { numRuns: 150 },
  );
});

test("at sizes that push the regions off the screen no log line is lost either", () => {
  const script = steps(fc.integer({ min: 1, max: 140 }), fc.integer({ min: 1, max: 30 }), 20);
  fc.assert(
    fc.property(script, (all) => {
      const { terminal, said, failed } = play(all, { columns: 80, rows: 24 });
      // A line may end up joined to what is left of a wrapped region, so it is looked for inside of lines.
      const text = terminal.lines().join("\n");
      for (const line of said) expect(text.split(`x: ${line}`)).toHaveLength(2);
      expect(text.split("failed: TypeError")).toHaveLength(failed + 1);
      expect(
        terminal.lines().filter((line) => line.startsWith("✔ All")).length,
      ).toBeLessThanOrEqual(1);
      expect(terminal.cursorVisible).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test("a screen that was one row high and gets wider takes no log line for a row of its own", () => {
  const { ui, clock, terminal } = rig({ columns: 80, rows: 24 });
  ui.events([event.runStarted(), event.total(50), event.log(1, "says <0>", "info", "x")]);
  clock.tick();
  terminal.resize(1, 1);
  clock.tick();
  terminal.resize(3, 27);
  ui.finish(summary());
  expect(terminal.lines().join("\n")).toContain("x: says <0>");
});

const barColumn = (row: string): number => Bun.stringWidth(/^[^━─╸]*/.exec(row)?.[0] ?? "");

const pictures = [
  "👩\u200d👩\u200d👧\u200d👦 family 🇩🇪 flag",
  "🖼\ufe0f textures",
  "⚙\ufe0f gears ❤\ufe0f",
  "👍🏽 good",
  "1\ufe0f\u20e3 first",
  "進捗状況を確認しています",
];

test.each([true, false])("pictures of several characters, joined by the terminal: %p", (joins) => {
  const terminal = new VirtualTerminal({ columns: 75, rows: 24, joins });
  const { ui, clock } = rig({}, { stderr: terminal });
  ui.events([event.runStarted(), event.total(20)]);
  for (const [i, text] of pictures.entries()) ui.events([event.started(i + 1, 0, text)]);
  for (let i = 0; i < 20; i++) {
    for (const [id, text] of pictures.entries()) ui.events([event.progress(id + 1, i / 20, text)]);
    if (i % 7 === 0) ui.events([event.log(1, pictures.join(" "))]);
    clock.tick();
  }
  const rows = terminal.screen().filter((row) => /[━─╸]/.test(row));
  expect(rows).toHaveLength(1 + pictures.length);
  // The bars begin in the same column, whatever precedes them.
  expect(new Set(rows.map(barColumn)).size).toBe(1);
  ui.finish(summary());
  expect(terminal.lines().filter((line) => line.includes("All tasks"))).toHaveLength(1);
});

test("a terminal that takes characters for wider than they are measured shows no remains", () => {
  const terminal = new VirtualTerminal({ columns: 60, rows: 12, isAmbiguousWide: true });
  const { ui, clock } = rig({}, { stderr: terminal });
  ui.events([event.runStarted(), event.total(2)]);
  ui.events([event.started(1, 0, "◎ ①")]);
  for (let i = 0; i < 5; i++) {
    ui.events([event.progress(1, i / 5, "①".repeat(40))]);
    clock.tick();
  }
  expect(terminal.screen().filter((row) => row !== "")).toHaveLength(4);
  ui.close();
});

test("the last lines of a run are whole, however long", () => {
  const { ui, terminal } = rig({ columns: 40, rows: 12 });
  ui.events([event.runStarted(), event.total(1)]);
  const message = "x".repeat(150);
  ui.finish(
    summary({
      status: "error",
      failed: 1,
      failures: [
        {
          id: taskId(1),
          name: "t",
          attempt: 1,
          input: "null",
          failure: { name: "Error", message },
        },
      ],
    }),
  );
  expect(terminal.lines().join("\n")).toContain(message);
});

test("a screen that got small and large again holds no remains", () => {
  const { ui, clock, terminal } = rig({ columns: 100, rows: 24 });
  ui.events([event.runStarted(), event.total(20)]);
  for (let id = 1; id <= 10; id++) ui.events([event.started(id)]);
  clock.tick();
  terminal.resize(100, 6);
  clock.tick();
  terminal.resize(30, 6);
  clock.tick();
  terminal.resize(100, 24);
  clock.tick();
  expect(terminal.screen().filter((line) => line.includes("All tasks"))).toHaveLength(1);
  expect(terminal.screen().filter((line) => line.includes("task-1 "))).toHaveLength(1);
  ui.close();
});
