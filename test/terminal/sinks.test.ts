import { afterEach, beforeEach, describe, expect, test } from "bun:test";
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
import { createUi } from "../../src/terminal/create-ui.ts";
import { reasonOf } from "../../src/base/system-error.ts";
import { sinkOf, untilLost } from "../../src/terminal/sinks.ts";
import { event } from "./rig.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pipeloom-ui-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("after the first error a sink drops everything, and the error is reported once", () => {
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
