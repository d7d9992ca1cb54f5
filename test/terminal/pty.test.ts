import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPty, type Pty } from "../support/pty.ts";

let cwd = "";
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "pipeloom-pty-"));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const demo = (name: string, ...more: string[]): string[] => [
  "demo",
  "--db",
  `${name}.db`,
  "--workers",
  "2",
  "--step-ms",
  "10-20",
  ...more,
];

const has = (pty: Pty, pattern: RegExp): boolean =>
  pty.screen.screen().some((line) => pattern.test(line));

/** The terminal as a person wants it back: one overall line, no task lines, a cursor on a line of its own. */
function expectGivenBack({ screen }: Pty): void {
  const lines = screen.lines();
  expect(lines.filter((line) => /^[✔✖■] All tasks /.test(line))).toHaveLength(1);
  expect(lines.filter((line) => /^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏↻] /.test(line))).toEqual([]);
  expect(screen.cursorVisible).toBe(true);
  expect(screen.isPlain).toBe(true);
  expect(screen.cursor.column).toBe(0);
}

// Bun.Terminal and setsid(1) as they are on Linux.
describe.skipIf(process.platform !== "linux")("on a pseudo-terminal", () => {
  test("the demo", async () => {
    await using pty = openPty(demo("demo", "-n", "6"), { cwd });
    await pty.until(() => has(pty, /^. task-\d/), "a running task");
    expect(pty.screen.cursorVisible).toBe(false);
    expect(await pty.exited).toBe(0);
    expectGivenBack(pty);
    expect(has(pty, /^✔ All tasks ━+ 100% 6\/6 •/)).toBe(true);
  }, 30_000);

  test("a window that is resized while it runs", async () => {
    await using pty = openPty(demo("resize", "-n", "40", "-c", "6"), {
      cwd,
      columns: 80,
      rows: 30,
    });
    await pty.until(() => has(pty, /^. task-\d/), "a running task");
    for (const [columns, rows] of [
      [60, 30],
      [100, 34],
      [45, 32],
      [80, 30],
    ] as const) {
      pty.resize(columns, rows);
      const { length } = pty.screen.writes;
      await pty.until(() => pty.screen.writes.length > length + 2, "three more frames");
    }
    expect(await pty.exited).toBe(0);
    expectGivenBack(pty);
  }, 30_000);

  test("Ctrl-C ends it and gives the terminal back", async () => {
    await using pty = openPty(demo("interrupt", "-n", "4000"), { cwd });
    await pty.until(() => has(pty, /^. task-\d/), "a running task");
    pty.type("\x03");
    expect(await pty.exited).toBe(130);
    expectGivenBack(pty);
    expect(has(pty, /was cancelled/)).toBe(true);
    expect(has(pty, /stopping: waiting up to 10 s for /)).toBe(true);
  }, 30_000);

  test("Ctrl-Z gives the terminal to the shell, and SIGCONT takes it again", async () => {
    await using pty = openPty(demo("stop", "-n", "10"), { cwd });
    await pty.until(() => has(pty, /^. task-\d/), "a running task");
    pty.type("\x1a");
    await pty.until(() => pty.screen.cursorVisible, "the cursor");
    expect(has(pty, /All tasks/)).toBe(false);
    const pid = pty.pid();
    const stopped = (): boolean => / T /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    while (!stopped()) await Bun.sleep(5);
    process.kill(pid, "SIGCONT");
    await pty.until(() => has(pty, /^. task-\d/), "a running task");
    expect(await pty.exited).toBe(0);
    expectGivenBack(pty);
  }, 30_000);

  test("a third Ctrl-C gives the cursor back while user code keeps the main thread busy", async () => {
    writeFileSync(
      join(cwd, "busy.ts"),
      `import { pipeline, task } from "pipeloom";
       const wait = task({ name: "wait", run: () => Bun.sleep(60_000) });
       export default pipeline({ name: "busy", async *tasks() { yield wait(); await Bun.sleep(500); for (;;); } });`,
    );
    await using pty = openPty(["run", "busy.ts", "--db", "busy.db"], { cwd });
    await pty.until(() => !pty.screen.cursorVisible, "a region");
    const { length } = pty.screen.writes;
    await pty.until(() => pty.screen.writes.length > length + 2, "frames");
    // The third comes when the loop has begun.
    const presses = setInterval(() => pty.type("\x03"), 400);
    const code = await pty.exited;
    clearInterval(presses);
    expect(code).toBe(130);
    expect(pty.screen.cursorVisible).toBe(true);
    expect(pty.screen.writes.join("")).toEndWith("\x1b[0m\x1b[?7h\x1b[?25h");
  }, 30_000);

  test("consola in a module, in tasks() and in a hook prints above the regions", async () => {
    mkdirSync(join(cwd, "node_modules"));
    symlinkSync(
      join(import.meta.dir, "../../node_modules/consola"),
      join(cwd, "node_modules/consola"),
    );
    writeFileSync(join(cwd, "consola.ts"), withConsola);
    // The project's consola colours its lines and adds the time; both must fit in.
    await using pty = openPty(["run", "consola.ts", "--db", "consola.db"], { cwd, columns: 90 });
    await pty.until(() => has(pty, /^. slow /) && has(pty, /from tasks\(\) 39/), "a running task");
    const during = pty.screen.screen().filter((line) => line !== "");
    expect(during.slice(-2).map((line) => line.slice(2, 12).trim())).toEqual(["All tasks", "slow"]);
    await pty.until(() => has(pty, /from a timer/), "the line of a timer");
    writeFileSync(join(cwd, "go"), "");
    expect(await pty.exited).toBe(0);
    expectGivenBack(pty);
    const lines = pty.screen.lines();
    const numbers = lines.flatMap((line) => /from tasks\(\) (\d+)/.exec(line)?.[1] ?? []);
    expect(numbers).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`));
    for (const text of ["from the module", "from a timer", "from a hook"])
      expect(lines.filter((line) => line.includes(text))).toHaveLength(1);
  }, 30_000);

  test("tasks that print a thousand lines, escape sequences and garbage", async () => {
    writeFileSync(join(cwd, "noisy.ts"), noisy);
    await using pty = openPty(["run", "noisy.ts", "--db", "noisy.db"], { cwd, rows: 30 });
    expect(await pty.exited).toBe(1);
    expectGivenBack(pty);
    const lines = pty.screen.lines();
    for (let i = 0; i < 1000; i += 111) {
      expect(lines.filter((line) => line.includes(`<${i}>`))).toHaveLength(2);
    }
    expect(lines.join("\n")).toContain("␛]0;title␇␛[2J");
    expect(lines.filter((line) => line.includes("failed: TypeError: broken"))).toHaveLength(1);
  }, 30_000);
});

const noisy = `
import { pipeline, task } from "pipeloom";
const noisy = task({
  name: "noisy",
  async run({ n }: { n: number }) {
    for (let i = 0; i < 1000; i++) {
      console.log("line <" + i + ">");
      if (i % 50 === 0) await Bun.sleep(5);
    }
    process.stdout.write("\\x1b]0;title\\x07\\x1b[2J\\n");
    process.stderr.write(new Uint8Array([0, 1, 155, 200, 255, 27, 91, 72, 10]));
    if (n === 2) throw new TypeError("broken");
  },
});
export default pipeline({ name: "noisy", tasks: () => [noisy({ n: 1 }), noisy({ n: 2 })] });
`;

const withConsola = `
import { existsSync } from "node:fs";
import { pipeline, task } from "pipeloom";
import { consola } from "consola";
consola.info("from the module");
const slow = task({
  name: "slow",
  async run() {
    while (!existsSync("go")) await Bun.sleep(10);
  },
});
export default pipeline({
  name: "consola",
  async *tasks() {
    yield slow();
    for (let i = 0; i < 40; i++) {
      consola[i % 2 === 0 ? "info" : "warn"]("from tasks() " + i);
      await Bun.sleep(5);
    }
    setTimeout(() => consola.success("from a timer"), 50);
  },
  onFinish: () => consola.info("from a hook"),
});
`;
