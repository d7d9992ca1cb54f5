import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { taskId } from "../../src/protocol/ids.ts";
import { capture } from "../../src/ui/capture.ts";
import { createUi } from "../../src/ui/create.ts";
import { jsonLine } from "../../src/ui/json.ts";
import { untilClosed } from "../../src/ui/output.ts";
import { boom, epoch, event, rig, summary } from "./rig.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pipeloom-ui-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("every event is one line of JSON, with ISO times and values", () => {
  const lines = [
    event.runStarted(),
    event.total(3),
    event.started(1),
    event.progress(1, 0.5, "half\nway"),
    event.log(1, "a\nb"),
    { type: "task-checkpoint", id: taskId(1), cursor: '{"page":3}' } as const,
    event.retrying(1, 2000),
    { ...event.finished(1), result: '{"n":\n42}' } as ReturnType<typeof event.finished>,
    event.finished(2, "error"),
    event.runFinished(),
  ].map(jsonLine);
  for (const line of lines) expect(line).not.toContain("\n");
  const values: unknown[] = lines.map((line) => JSON.parse(line));
  expect(values).toMatchSnapshot();
  expect(values[6]).toMatchObject({ failure: boom, retryAt: new Date(epoch + 2000).toISOString() });
});

test("--json keeps stdout for events, on a terminal and without", () => {
  for (const isTty of [true, false]) {
    const { ui, stdout } = rig({}, { json: true, isTty });
    console.log("from user code");
    process.stdout.write("and this\n");
    ui.events([event.runStarted(), event.total(1), event.finished(1)]);
    ui.log("info", "a line");
    ui.finish(summary());
    const events = stdout().trimEnd().split("\n");
    expect(events.map((line): unknown => JSON.parse(line))).toMatchObject([
      { type: "run-started" },
      { type: "run-total" },
      { type: "task-finished" },
    ]);
  }
});

test("a reader that has gone away is no error, and is told of once", () => {
  let calls = 0;
  let closed = 0;
  const write = untilClosed(
    () => {
      calls++;
      throw Object.assign(new Error("EPIPE"), { code: "EPIPE" });
    },
    () => closed++,
  );
  write("a");
  write("b");
  expect([calls, closed]).toEqual([1, 1]);
});

test("the log file has every line with time, level and task, without colours, appended", () => {
  const path = join(folder, "run.log");
  writeFileSync(path, "before\n");
  const { ui } = rig({}, { logFile: path, verbosity: -1, isTty: false });
  ui.events([event.runStarted(), event.total(2), event.started(1)]);
  ui.events([event.log(1, "one\ntwo \x1b[31mred\x1b[2J", "debug"), event.finished(1, "error")]);
  ui.log("debug", "of pipeloom's own");
  ui.stopping("SIGINT", false);
  ui.finish(summary({ status: "error", failed: 1 }));
  ui.close();
  expect(readFileSync(path, "utf8")).toMatchSnapshot();
});

test("a log file that cannot be opened is an error that says so", () => {
  const path = join(folder, "missing", "run.log");
  expect(() => rig({}, { logFile: path })).toThrow(`the log file ${path} cannot be opened`);
});

test("the log file is whole after a crash", async () => {
  const path = join(folder, "run.log");
  const script = join(folder, "crash.ts");
  const create = join(import.meta.dir, "../../src/ui/create.ts");
  writeFileSync(
    script,
    `import { createUi } from ${JSON.stringify(create)};
     const { stdout, stderr, env } = process;
     const ui = createUi({ verbosity: 0, json: false, logFile: ${JSON.stringify(path)}, stdout, stderr, env, isTty: false });
     ui.log("info", "the last line");
     setTimeout(() => { throw new Error("user code") }, 1);`,
  );
  const child = Bun.spawn([process.execPath, script], { stderr: "ignore" });
  expect(await child.exited).toBe(1);
  expect(readFileSync(path, "utf8")).toContain("info  the last line\n");
});

const methods = (): unknown[] => [Reflect.get(process.stdout, "write"), console.log, console.error];

test("what the main thread prints becomes lines, and the streams come back", async () => {
  const lines: string[] = [];
  const before = methods();
  const give = capture({
    stdout: (line) => lines.push(`out: ${line}`),
    stderr: (line) => lines.push(`err: ${line}`),
  });
  console.log("an object %s", { a: 1 });
  console.error("bad");
  console.group("group");
  console.warn("inside");
  console.groupEnd();
  process.stdout.write("par");
  process.stdout.write(Buffer.from("tial\r\nrest"));
  process.stderr.write("err\n");
  let called = false;
  process.stdout.write("", () => (called = true));
  give();
  give();
  expect(lines).toEqual([
    "out: an object { a: 1 }",
    "err: bad",
    "out: group",
    "err:   inside",
    "out: partial",
    "err: err",
    "out: rest",
  ]);
  expect(methods()).toEqual(before);
  await Promise.resolve();
  expect(called).toBe(true);
});

test("on a terminal they stand above the regions", () => {
  const spy = spyOn(process.stdout, "write");
  const { ui, clock, terminal } = rig();
  ui.events([event.runStarted(), event.total(1), event.started(1)]);
  console.log("from user code \x1b]0;title\x07");
  process.stderr.write("a warning\n");
  clock.tick();
  ui.close();
  expect(terminal.lines().slice(0, 3)).toEqual([
    "ℹ DB writer started → wal_demo.db (WAL)",
    "from user code ␛]0;title␇",
    "a warning",
  ]);
  expect(spy).not.toHaveBeenCalled();
  spy.mockRestore();
});

function takenOver(): never {
  throw new Error("taken over");
}

test("streams with a descriptor are written by it, whatever was put over write()", () => {
  const path = join(folder, "out");
  writeFileSync(path, "");
  const fd = openSync(path, "w");
  const stream = { fd, write: takenOver };
  const ui = createUi({
    verbosity: 0,
    json: true,
    logFile: undefined,
    stdout: stream,
    stderr: { write() {} },
    env: {},
    isTty: false,
  });
  ui.events([event.total(3)]);
  ui.close();
  closeSync(fd);
  expect(readFileSync(path, "utf8")).toBe('{"type":"run-total","total":3,"complete":true}\n');
});
