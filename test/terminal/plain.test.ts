import { expect, test } from "bun:test";
import { createUi, type UiOptions } from "../../src/terminal/create-ui.ts";
import type { RunEvent } from "../../src/protocol/events.ts";
import { runId } from "../../src/protocol/ids.ts";
import { event, heldClock, summary } from "./rig.ts";

/** A Ui that is not on a terminal; what came out on each stream. */
function piped(options: Partial<UiOptions> = {}) {
  const clock = heldClock();
  const out = { stdout: "", stderr: "" };
  const ui = createUi({
    verbosity: 0,
    json: false,
    logFile: undefined,
    stdout: { write: (text) => void (out.stdout += text) },
    stderr: { write: (text) => void (out.stderr += text) },
    env: {},
    isTty: false,
    cwd: "/home/me",
    clock,
    ...options,
  });
  return { ui, clock, out };
}

/** 100 tasks, one each 100 ms; the seventh fails, the second logs. */
function run({ ui, clock }: ReturnType<typeof piped>, total = 100, everyMs = 100): void {
  ui.events([event.runStarted(), event.total(total)]);
  for (let id = 1; id <= total; id++) {
    clock.set(id * everyMs);
    ui.events([event.started(id), event.progress(id, 0.5)]);
    if (id === 2) ui.events([event.log(2, "hello \x1b[31mred\x07"), event.log(2, "deep", "debug")]);
    ui.events([event.finished(id, id === 7 ? "error" : "done")]);
  }
  ui.events([event.runFinished("error")]);
  ui.finish(summary({ status: "error", done: total - 1, failed: 1, total }));
}

test("a line for each finished tenth, and for each failure", () => {
  const all = piped();
  run(all);
  expect(all.out.stderr).toMatchSnapshot();
  expect(all.out.stdout).toBe("");
  expect(all.out.stderr).not.toContain("\x1b");
});

test("a long run says something every 10 s, a short one little", () => {
  const long = piped();
  run(long, 20, 60_000);
  expect(long.out.stderr.split("\n").filter((line) => line.includes(" after ")).length).toBe(20);
  const short = piped();
  run(short, 1000, 1);
  expect(short.out.stderr.split("\n").filter((line) => line.includes(" after ")).length).toBe(1);
});

test("a clock that is set back does not silence the run", () => {
  const { ui, clock, out } = piped();
  ui.events([event.runStarted(), event.total(100), event.started(1)]);
  for (let second = 0; second < 30; second++) {
    clock.set(second * 1000 - 3_600_000);
    ui.events([event.progress(1, second / 30)]);
  }
  expect(out.stderr.split("\n").filter((line) => line.includes(" after ")).length).toBe(2);
});

test("quiet says only what failed", () => {
  const all = piped({ verbosity: -1 });
  all.ui.log("info", "no");
  all.ui.log("warn", "no");
  run(all);
  expect(all.out.stderr).toMatchSnapshot();
  const good = piped({ verbosity: -1 });
  good.ui.events([event.runStarted(), event.total(1), event.finished(1), event.runFinished()]);
  good.ui.finish(summary());
  expect(good.out.stderr).toBe("");
});

/** One of each event at this verbosity. */
function oneOfEach(verbosity: 1 | 2): string {
  const { ui, out } = piped({ verbosity });
  ui.events([event.runStarted(), event.total(3), event.started(1), event.log(1, "deep", "debug")]);
  ui.events([event.retrying(1, 2500, 500), event.started(1, 2500, "task-1", 2)]);
  ui.events([event.finished(1), event.finished(2, "skipped"), event.finished(3, "cancelled")]);
  ui.log("debug", "of pipeloom's own");
  ui.close();
  return out.stderr;
}

test("-v tells of each task, -vv also what tasks say at debug", () => {
  const v = oneOfEach(1);
  expect(v).toMatchSnapshot("-v");
  const more = oneOfEach(2)
    .split("\n")
    .filter((line) => !v.includes(line));
  expect(more).toEqual(["· task-1: deep"]);
});

test("100,000 failures of one kind are three lines and a count", () => {
  const { ui, out } = piped();
  ui.events([event.runStarted(), event.total(100_000)]);
  for (let id = 1; id <= 100_000; id += 250) {
    ui.events(Array.from({ length: 250 }, (_, i) => event.finished(id + i, "error")));
  }
  ui.events([event.runFinished()]);
  ui.close();
  const lines = out.stderr.split("\n");
  expect(lines.filter((line) => line.includes("failed: "))).toHaveLength(4);
  expect(out.stderr).toContain("… and 99,997 more like it: failed");
});

test("failures of many kinds are a hundred lines and a count", () => {
  const { ui, out } = piped();
  for (let id = 1; id <= 1000; id++) {
    const failure = { name: "Error", message: "x".repeat(id) };
    ui.events([{ ...event.finished(id, "error"), failure } as RunEvent]);
  }
  ui.close();
  expect(out.stderr.split("\n").length).toBeLessThan(110);
  expect(out.stderr).toContain("further failures are counted");
});

test("the first retry of a task is shown, three tasks of one kind, and the rest is counted", () => {
  const { ui, out } = piped();
  for (let id = 1; id <= 9; id++) {
    const waitMs = id === 2 ? 187 : 2000;
    ui.events([
      event.retrying(id, waitMs),
      { ...event.retrying(id, waitMs), attempt: 2 } as RunEvent,
    ]);
  }
  ui.events([event.runFinished()]);
  ui.close();
  const lines = out.stderr.split("\n").filter((line) => line.includes("attempt"));
  expect(lines).toEqual([
    "⚠ task-1 attempt 2 in 2 s: TypeError: x is not a function",
    "⚠ task-2 attempt 2 in 187 ms: TypeError: x is not a function",
    "⚠ task-3 attempt 2 in 2 s: TypeError: x is not a function",
    "⚠ … and 6 more like it: attempt 2: TypeError: x is not a function",
  ]);
});

test("GitHub gets a group and annotations, and obeys nothing that data says", () => {
  const all = piped({ env: { GITHUB_ACTIONS: "true" } });
  all.ui.events([event.runStarted(), event.total(2)]);
  all.ui.events([
    event.log(1, "::error::not mine\n::add-mask::x\n##[error]old"),
    event.finished(1, "error", 10, "a,b: 100%\n::stop-commands::x"),
  ]);
  all.ui.finish(summary({ pipeline: "::error::p", status: "error", failed: 1, done: 1, total: 2 }));
  expect(all.out.stderr).toMatchSnapshot();
  const commands = all.out.stderr.split("\n").filter((line) => /^\s*::|##\[/.test(line));
  expect(commands.map((line) => line.split("::")[1])).toEqual([
    "group",
    "error title=a%2Cb%3A 100%25␊%3A%3Astop-commands%3A%3Ax",
    "endgroup",
  ]);
});

test("FORCE_COLOR colours a pipe; TERM=dumb, CI and -q keep a terminal plain", () => {
  const forced = piped({ env: { FORCE_COLOR: "1" } });
  run(forced);
  expect(forced.out.stderr).toContain("\x1b[31m");
  for (const env of [{ TERM: "dumb" }, { TERM: "xterm", CI: "true", NO_COLOR: "1" }]) {
    const all = piped({ env, isTty: true });
    run(all);
    expect(all.out.stderr).not.toContain("\x1b");
    expect(all.out.stderr).toContain(" 50% 50/100 after 0:05");
  }
});

test("stopping is said once and twice", () => {
  const { ui, out } = piped();
  ui.events([event.runStarted(), event.total(2), event.started(1), event.started(2)]);
  ui.stopping("SIGINT", false);
  ui.stopping("SIGTERM", true);
  ui.close();
  expect(out.stderr.split("\n").slice(1, 3)).toEqual([
    "⚠ stopping: waiting up to 10 s for 2 running tasks; Ctrl-C again to stop now",
    "⚠ stopping now (SIGTERM), without waiting for running tasks",
  ]);
});

test("a signal while no task runs waits for the end of the run, not for 0 tasks", () => {
  const { ui, out } = piped();
  ui.events([event.runStarted()]);
  ui.stopping("SIGINT", false);
  ui.close();
  expect(out.stderr.split("\n").slice(1, 2)).toEqual([
    "⚠ stopping: waiting up to 10 s for the end of the run; Ctrl-C again to stop now",
  ]);
});

test("the next command hides the secrets in the params that it repeats", () => {
  const again = ["etl.ts", "--param", "token=swordfish"];
  const { ui, out } = piped({ again, mask: (text) => text.replaceAll("swordfish", "***") });
  ui.finish(summary({ status: "error" }));
  expect(out.stderr).toContain("  next: pipeloom run etl.ts --param 'token=***' --db ");
});

const header = (more: Parameters<typeof event.runStarted>[0], ...then: RunEvent[]): string => {
  const { ui, out } = piped();
  ui.events([event.runStarted(more)]);
  for (const each of then) ui.events([each]);
  ui.close();
  return out.stderr;
};

test("the first line says what runs", () => {
  const x = { pipeline: "sync", run: runId(3), db: "/home/me/x.db" };
  expect(header(x, event.total(32))).toBe("ℹ sync · run 3 · 32 tasks · 4 workers → x.db\n");
  expect(header({ ...x, workers: 1, concurrency: 50, journal: "delete" }, event.total(1))).toBe(
    "ℹ sync · run 3 · 1 task · 1 worker, 50 at once → x.db (no WAL)\n",
  );
});

test("the first line of a run with an engine counts workers where there may be some", () => {
  const x = { pipeline: "sync", run: runId(3), db: "/home/me/x.db", engine: "redis://h" };
  expect(header(x, event.total(32))).toBe(
    "ℹ sync · run 3 · 32 tasks · 4 workers on redis://h → x.db\n",
  );
  // 1 is also said of none.
  expect(header({ ...x, workers: 1, concurrency: 1 }, event.total(32))).toBe(
    "ℹ sync · run 3 · 32 tasks · on redis://h → x.db\n",
  );
});

test("while tasks are still being made, the first line says no more than is known", () => {
  expect(header({})).toBe("ℹ demo · run 1 · 4 workers → wal_demo.db\n");
  expect(header({}, event.total(0, false))).toBe("ℹ demo · run 1 · 4 workers → wal_demo.db\n");
  expect(header({}, event.total(2, false), event.total(9))).toBe(
    "ℹ demo · run 1 · 2 tasks so far · 4 workers → wal_demo.db\n",
  );
});

test("a resumed run says what was done before", () => {
  const resumed = { resumed: true, alreadyDone: 40, db: "/home/me/x.db" };
  expect(header(resumed, event.total(100))).toBe(
    "ℹ demo · run 1 continues: 40 of 100 tasks already done · 4 workers → x.db\n",
  );
  expect(header(resumed, event.total(41, false))).toBe(
    "ℹ demo · run 1 continues: 40 tasks already done · 4 workers → x.db\n",
  );
});

test("what comes before the number of tasks is shown after the first line", () => {
  const lines = header({}, event.finished(1, "error"), event.total(2), event.finished(2, "error"));
  expect(lines.split("\n")).toEqual([
    "ℹ demo · run 1 · 2 tasks · 4 workers → wal_demo.db",
    "✖ task-1 failed: TypeError: x is not a function",
    "✖ task-2 failed: TypeError: x is not a function",
    "",
  ]);
  const ended = header({}, event.finished(1, "error"), event.runFinished("error"));
  expect(ended.split("\n").slice(0, 2)).toEqual([
    "ℹ demo · run 1 · 4 workers → wal_demo.db",
    "✖ task-1 failed: TypeError: x is not a function",
  ]);
});
