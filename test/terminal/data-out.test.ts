import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  read as readInBackground,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { taskId } from "../../src/protocol/ids.ts";
import { createUi } from "../../src/terminal/create.ts";
import { jsonLine } from "../../src/terminal/json-events.ts";
import { reasonOf } from "../../src/base/system-error.ts";
import { sinkOf, untilLost } from "../../src/terminal/sinks.ts";
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

test("after the first error a sink is silent, and the error is told of once", () => {
  let calls = 0;
  const lost: unknown[] = [];
  const write = untilLost(
    () => {
      calls++;
      throw Object.assign(new Error("EPIPE"), { code: "EPIPE" });
    },
    (error) => lost.push(error),
  );
  write("a");
  write("b");
  expect([calls, lost.length]).toEqual([1, 1]);
});

test("the system's reason, as a person reads it", () => {
  expect(reasonOf(new Error("ENOSPC: no space left on device, write"))).toBe(
    "no space left on device (ENOSPC)",
  );
  expect(reasonOf(new Error("nobody reads it"))).toBe("nobody reads it");
  expect(reasonOf("odd")).toBe("odd");
});

/** Both ends of a FIFO; opened for reading and writing, so that neither waits for the other. */
function fifo(): { fd: number; [Symbol.dispose]: () => void } {
  const path = join(folder, "fifo");
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  const fd = openSync(path, constants.O_RDWR);
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}
const onDescriptor = (fd: number) => ({ fd, write: takenOver });
const kibibyte = `${"x".repeat(1023)}\n`;

describe.skipIf(process.platform === "win32")("a sink on a descriptor", () => {
  test("keeps the order, and is whole", async () => {
    using pipe = fifo();
    const sink = sinkOf(onDescriptor(pipe.fd), takenOver);
    for (let i = 0; i < 20; i++) sink.write(`${i}\n`);
    await sink.written(Number.POSITIVE_INFINITY);
    const buffer = Buffer.alloc(1000);
    const text = buffer.toString("utf8", 0, readSync(pipe.fd, buffer));
    expect(text).toBe(Array.from({ length: 20 }, (_, i) => `${i}\n`).join(""));
  });

  test("does not block when nobody reads, says that it is behind, and goes on when somebody does", async () => {
    using pipe = fifo();
    const sink = sinkOf(onDescriptor(pipe.fd), takenOver);
    expect(sink.behind()).toBeUndefined();
    for (let i = 0; i < 2048; i++) sink.write(kibibyte);
    const behind = sink.behind();
    expect(behind).toBeInstanceOf(Promise);
    const buffer = Buffer.alloc(64 * 1024);
    for (let read = 0; read < 2048 * 1024;) {
      read += await new Promise<number>((resolve) => {
        readInBackground(pipe.fd, buffer, 0, buffer.length, null, (_, count) => resolve(count));
      });
    }
    await behind;
    await sink.written(Number.POSITIVE_INFINITY);
    expect(sink.behind()).toBeUndefined();
  });

  test("is given up when its reader takes nothing", async () => {
    using pipe = fifo();
    const lost: unknown[] = [];
    const sink = sinkOf(onDescriptor(pipe.fd), (error) => lost.push(reasonOf(error)));
    for (let i = 0; i < 2048; i++) sink.write(kibibyte);
    const behind = sink.behind();
    await sink.written(1);
    await behind;
    expect(lost).toEqual(["nobody reads it"]);
    // The thread that writes is let go.
    const buffer = Buffer.alloc(4 * 1024 * 1024);
    while (readSync(pipe.fd, buffer) === 0);
  });

  test.skipIf(process.platform !== "linux")("on a full disk tells the reason", async () => {
    const fd = openSync("/dev/full", "w");
    const lost: unknown[] = [];
    const sink = sinkOf(onDescriptor(fd), (error) => lost.push(reasonOf(error)));
    sink.write("a");
    await sink.written(Number.POSITIVE_INFINITY);
    sink.write("b");
    await sink.written(Number.POSITIVE_INFINITY);
    closeSync(fd);
    expect(lost).toEqual(["no space left on device (ENOSPC)"]);
  });

  test("whose reader has left is no loss", async () => {
    const script = `import { sinkOf } from ${JSON.stringify(join(import.meta.dir, "../../src/terminal/sinks.ts"))};
      const sink = sinkOf(process.stdout, (error) => console.error("lost", error));
      sink.write("a"); await sink.written(Infinity); console.error("ended");`;
    const shell = Bun.spawn(["sh", "-c", '"$1" -e "$2" | true', "sh", process.execPath, script], {
      stderr: "pipe",
    });
    expect(await shell.stderr.text()).toBe("ended\n");
  });
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

test.skipIf(process.platform !== "linux")(
  "a log file on a full disk is told of once, and the run goes on",
  () => {
    const lost: string[] = [];
    const { ui } = rig(
      {},
      {
        logFile: "/dev/full",
        isTty: false,
        onLost: ({ what, error }) => lost.push(`${what}: ${reasonOf(error)}`),
      },
    );
    ui.events([event.log(1, "x".repeat(70_000))]);
    ui.log("info", "y".repeat(70_000));
    ui.finish(summary());
    expect(lost).toEqual(["the log file /dev/full: no space left on device (ENOSPC)"]);
  },
);

test("the log file is whole after a crash", async () => {
  const path = join(folder, "run.log");
  const script = join(folder, "crash.ts");
  const create = join(import.meta.dir, "../../src/terminal/create.ts");
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

test("on a terminal what the main thread prints stands above the regions", () => {
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
