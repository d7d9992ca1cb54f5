// `pipeloom attach`, as a user has it: two terminals, one database.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { constants, existsSync, openSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import { pipeloom, repository, run } from "../support/program.ts";
import { terminalEnvironment } from "../support/pty.ts";
import { tempFolder, type TempFolder } from "../support/temp-folder.ts";

let folder: TempFolder;
let child: Bun.Subprocess;
const at = (name: string): string => join(folder.path, name);

/** Logs and fails once the file `go` is there; `wait` ends when it is told to. */
const pipelineText = `
import { existsSync } from "node:fs";
import { pipeline, task } from "pipeloom";
const go = async (ctx) => { while (!existsSync("go")) { ctx.signal.throwIfAborted(); await Bun.sleep(5); } };
const talk = task({ name: "talk", optional: true, async run(_, ctx) {
  await go(ctx); ctx.log.info("hello"); throw new Error("broken"); } });
const wait = task({ name: "wait", run: (_, ctx) => go(ctx) });
export default pipeline({ name: "p", tasks: () => [talk(), wait()] });`;

beforeEach(async () => {
  folder = tempFolder();
  await Bun.write(at("p.ts"), pipelineText);
  child = Bun.spawn([...pipeloom, "run", "p.ts", "-q", "-w2"], {
    cwd: folder.path,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  while (!existsSync(at("pipeloom.db-run1.control"))) await Bun.sleep(5);
});
afterEach(async () => {
  child.kill("SIGKILL");
  await child.exited;
  folder[Symbol.dispose]();
});

/** `pipeloom attach` in a pipe, until it ends. Calls `began` once it follows the run. */
async function attachUntilEnd(
  began: () => void,
  ...args: string[]
): Promise<{ readonly code: number; readonly out: string; readonly text: string }> {
  const process = Bun.spawn([...pipeloom, "attach", ...args], {
    cwd: folder.path,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let text = "";
  let hasBegun = false;
  for await (const chunk of process.stderr.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (hasBegun || !text.includes("attached to run")) continue;
    hasBegun = true;
    began();
  }
  return { code: await process.exited, out: await process.stdout.text(), text };
}

describe("in a pipe", () => {
  test("lines until the run ends, and its outcome as exit code", async () => {
    const { code, out, text } = await attachUntilEnd(() => writeFileSync(at("go"), ""));
    expect(code).toBe(0);
    expect(out).toBe("");
    // Nothing has started here.
    expect(text).toStartWith("ℹ attached to run 1 (p): ");
    expect(text).toContain("ℹ talk: hello\n");
    expect(text).toContain("✖ talk failed: broken\n");
    expect(text).toContain("✔ p done: 1 of 2 tasks done, 1 failed");
  });

  test("a run that is killed", async () => {
    const { code, text } = await attachUntilEnd(() => child.kill("SIGKILL"), "1");
    expect(code).toBe(1);
    expect(text).toContain("run 1 (p) has ended: interrupted, its process is dead");
  });

  test.skipIf(process.platform === "win32")("a database that is moved", async () => {
    const { code, text } = await attachUntilEnd(() => {
      renameSync(at("pipeloom.db"), at("moved.db"));
      writeFileSync(at("go"), "");
    });
    expect(code).toBe(1);
    expect(text).toContain("pipeloom.db was moved or deleted, so run 1 could not go on");
  });

  test("no run goes on", async () => {
    child.kill("SIGKILL");
    await child.exited;
    const { code, err } = await run([...pipeloom, "attach"], folder.path);
    expect({ code, err }).toMatchObject({
      code: 1,
      err: expect.stringContaining("no run is active"),
    });
  });
});

const lastOf = (lines: string): Record<string, unknown> =>
  JSON.parse(lines.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;

describe("--json", () => {
  test("events of what the file tells, each as the schema says", async () => {
    const { code, out, text } = await attachUntilEnd(() => writeFileSync(at("go"), ""), "--json");
    expect(code).toBe(0);
    expect(text).toContain("attached to run 1 (p)");
    const events = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string; name?: string; status?: string });
    expect(events[0]).toMatchObject({ type: "run-attached", run: 1, pipeline: "p", version: 1 });
    expect(events.at(-1)).toMatchObject({ type: "run-finished", run: 1, status: "done" });
    const said = events.map(({ type, name, status }) =>
      [type, name, status].filter(Boolean).join(" "),
    );
    expect(said).toContainValues([
      "task-log talk",
      "task-finished talk error",
      "task-finished wait done",
    ]);
    const schema = z.fromJSONSchema(
      await Bun.file(join(repository, ".github/schemas/events.v1.schema.json")).json(),
    );
    for (const event of events)
      expect({ event, ...schema.safeParse(event) }).toMatchObject({ success: true });
  });

  test("the run's failure is that of its own events", async () => {
    child.kill("SIGKILL");
    await child.exited;
    await Bun.write(
      at("failing.ts"),
      `${pipelineText.slice(0, pipelineText.lastIndexOf("export default"))}
export default pipeline({ name: "failing", async *tasks() {
  yield wait();
  while (!existsSync("go")) await Bun.sleep(5);
  throw Object.assign(new Error("the list is gone"), { code: "gone" }); } });`,
    );
    const own = Bun.spawn([...pipeloom, "run", "failing.ts", "-q", "--json"], {
      cwd: folder.path,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    while (!existsSync(at("pipeloom.db-run2.control"))) await Bun.sleep(5);
    const { code, out } = await attachUntilEnd(() => writeFileSync(at("go"), ""), "2", "--json");
    expect(code).toBe(1);
    expect(lastOf(out)).toMatchObject({ failure: { message: expect.stringContaining("gone") } });
    const { waits, ...finished } = lastOf(await own.stdout.text());
    // The file does not say what a task has waited for.
    expect(waits).toBeArray();
    expect(lastOf(out)).toEqual(finished);
  });

  test("quiet, on stderr there is nothing", async () => {
    const attached = Bun.spawn([...pipeloom, "attach", "--json", "-q"], {
      cwd: folder.path,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    let out = "";
    for await (const chunk of attached.stdout.pipeThrough(new TextDecoderStream())) {
      if (out === "") writeFileSync(at("go"), "");
      out += chunk;
    }
    expect(await attached.exited).toBe(0);
    expect(out).toStartWith('{"type":"run-attached"');
    // Failures are said.
    expect(await attached.stderr.text()).toBe("✖ talk failed: broken\n");
  });

  test("-v says what begins and what is done", async () => {
    const { text } = await attachUntilEnd(() => writeFileSync(at("go"), ""), "-v");
    expect(text).toMatch(/wait done/);
  });

  test("-q and -v exclude each other", async () => {
    const { code, err } = await run([...pipeloom, "attach", "-q", "-v"], folder.path);
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining("exclude") });
  });
});

describe("on a terminal", () => {
  const keys: [string, string[], number][] = [
    ["Ctrl-C leaves the run alone", ["\x03"], 130],
    ["q leaves the run alone", ["q"], 0],
    ["c asks the run to end", ["c"], 1],
    ["an arrow key, whose sequence ends with C, does not", ["\x1b[C", "q"], 0],
  ];
  test.each(keys)("%s", async (_, pressed, code) => {
    let text = "";
    /** One after each piece of output. */
    const left = [...pressed];
    // The last output may arrive after the exit.
    const cursorIsBack = Promise.withResolvers<void>();
    await using terminal = new Bun.Terminal({
      cols: 80,
      rows: 24,
      data(self, bytes) {
        text += new TextDecoder().decode(bytes);
        if (text.endsWith("\x1b[?25h")) cursorIsBack.resolve();
        const key = text.includes("wait") ? left.shift() : undefined;
        if (key !== undefined) self.write(key);
      },
    });
    const attached = Bun.spawn([...pipeloom, "attach"], {
      cwd: folder.path,
      env: terminalEnvironment(folder.path),
      terminal,
    });
    expect(await attached.exited).toBe(code);
    await cursorIsBack.promise;
    if (pressed[0] === "c") {
      expect(await child.exited).toBe(1);
      expect(text).toContain("asked the run to stop; press c again to stop it now");
    } else {
      expect(text).not.toContain("asked the run to stop");
      expect(child.exitCode).toBeNull();
    }
  });

  test.skipIf(process.platform === "win32")("q leaves while nobody reads stderr", async () => {
    Bun.spawnSync(["mkfifo", at("stderr")]);
    fillPipe(at("stderr"));
    await using terminal = new Bun.Terminal({ cols: 80, rows: 24 });
    await using attached = Bun.spawn(
      ["sh", "-c", 'exec "$@" 2>stderr', "sh", ...pipeloom, "attach"],
      { cwd: folder.path, env: terminalEnvironment(folder.path), terminal },
    );
    // Raw mode: the keys are listened to.
    while ((terminal.localFlags & canonical) !== 0) await Bun.sleep(5);
    terminal.write("q");
    expect(await attached.exited).toBe(0);
  });
});

/** ICANON, input line by line. */
const canonical = process.platform === "darwin" ? 0x100 : 0x2;

/** The pipe stays open, without a reader and without space. */
function fillPipe(path: string): void {
  const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  expect(() => {
    for (;;) writeSync(pipe, Buffer.alloc(4096));
  }).toThrow("EAGAIN");
}
