// Uncaught errors and prints of user code on real workers: which task they belong to, and what follows.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { newRig, type Rig } from "../support/rig.ts";

setDefaultTimeout(60_000);

const failure = (rig: Rig, name: string): Record<string, unknown> => {
  const [row] = rig.rows(`SELECT error FROM task_runs WHERE name = '${name}'`);
  return JSON.parse(String(row?.["error"])) as Record<string, unknown>;
};

/** @param atOnce so many tasks run when the first error is thrown: a task alone on its thread would be the culprit */
const threeTasks = (atOnce: number): string => `
  let running = 0;
  const all = Promise.withResolvers<void>();
  const allRun = () => { if (++running >= ${atOnce}) all.resolve(); return all.promise; };
  const stray = task({ name: "stray", async run() { await allRun(); Promise.reject(new Error("a stray")); await Bun.sleep(200); } });
  const timer = task({ name: "timer", async run() { await allRun(); setTimeout(() => { throw new Error("a timer") }, 50); await Bun.sleep(200); } });
  const fine = task({ name: "fine", async run() { await allRun(); await Bun.sleep(200); } });
  export default pipeline({ name: "p", tasks: () => [stray(), timer(), fine()] });
`;

// As processes of their own: in the workers of a test run, Bun itself handles uncaught errors.
describe("an uncaught error", () => {
  test("fails the task that it came from, when the thread runs one task at a time", async () => {
    await using rig = newRig();
    const { code, err } = await rig.fromSource(
      "run",
      rig.pipeline(threeTasks(1)),
      "--db",
      "test.db",
      "-w1",
    );
    expect(code).toBe(1);
    expect(failure(rig, "stray")["message"]).toBe("a stray");
    expect(failure(rig, "timer")["message"]).toBe("a timer");
    expect(rig.rows("SELECT name FROM task_runs WHERE status = 'done'")).toEqual([
      { name: "fine" },
    ]);
    expect(err).toContain("1 of 3 tasks done, 2 failed");
  });

  // Bun reports a rejection without its origin. With several tasks on a thread the rejection is only shown.
  test("with several tasks on one thread, a timer's error fails its task; a rejection is shown", async () => {
    await using rig = newRig();
    const file = rig.pipeline(threeTasks(3));
    const { code, err } = await rig.fromSource("run", file, "--db", "test.db", "-w1", "-c4");
    expect(code).toBe(1);
    expect(rig.rows("SELECT name FROM task_runs WHERE status = 'error'")).toEqual([
      { name: "timer" },
    ]);
    expect(failure(rig, "timer")["message"]).toBe("a timer");
    expect(err).toContain(
      "uncaught error in one of the tasks on this thread (stray #1, timer #2, fine #3); the runtime does not report which, so none fails: Error: a stray",
    );
  });
});

// A process of its own, as above.
test("a send that is awaited in a function that nobody awaits fails its task, with several tasks on one thread", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const each = task({
      name: "each",
      run(_, ctx) { [1, 2].forEach(async (n) => { await ctx.insert("t", [n === 2 ? { id: Symbol("no") } : { id: n }] as never); }); },
    });
    const wrapped = task({
      name: "wrapped",
      run(_, ctx) {
        void (async () => {
          try { await ctx.insert("t", [{ id: Symbol("no") }] as never); } catch (cause) { throw new Error("wrapped", { cause }); }
        })();
      },
    });
    const fine = task({ name: "fine", run: () => Bun.sleep(100) });
    export default pipeline({ name: "p", schema: "CREATE TABLE t (id)", tasks: () => [each(), wrapped(), fine(), fine()] });
  `);
  const { code } = await rig.fromSource("run", file, "--db", "test.db", "-w1", "-c4");
  expect(code).toBe(1);
  expect(rig.rows("SELECT name FROM task_runs WHERE status = 'error' ORDER BY id")).toEqual([
    { name: "each" },
    { name: "wrapped" },
  ]);
  expect(rig.rows("SELECT id FROM t")).toEqual([]);
});

describe("prints", () => {
  test("100,000 lines of one task are all kept, in order, if it asks for it", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const talk = task({ name: "talk", logs: { maxLines: Infinity }, run() { for (let i = 0; i < 100_000; i++) console.log("line " + i); } });
      export default pipeline({ name: "p", tasks: () => talk() });
    `);
    expect(await rig.run(file)).toMatchObject({ done: 1 });
    expect(
      rig.rows(
        "SELECT count(*) AS n, sum(line = 'line ' || (rowid - 1)) AS inOrder FROM task_logs",
      ),
    ).toEqual([{ n: 100_000, inOrder: 100_000 }]);
  });

  test("every way of printing becomes a log line of its task, and nothing reaches the screen", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const talk = task({
        name: "talk",
        run() {
          console.log("log %d", 1); console.info("info"); console.warn("warn"); console.error("error"); console.debug("debug");
          console.log("two\\nlines"); console.log();
          process.stdout.write("torn "); process.stdout.write("line\\n"); process.stderr.write("no end");
          process.stdout.write(new Uint8Array([0xff, 0xfe, 0x00, 0x41, 0x0a]));
          (console as any).write("bun's own\\n");
          console.table([{ a: 1 }]);
        },
      });
      export default pipeline({ name: "p", tasks: () => talk() });
    `);
    expect(await rig.fromSource("run", file, "--db", "test.db", "-q")).toEqual({
      code: 0,
      out: "",
      err: "",
    });
    const lines = rig.rows("SELECT level, line FROM task_logs ORDER BY rowid");
    const text = lines.map(({ level, line }) => `${String(level)} ${String(line)}`);
    for (const line of [
      "info log 1",
      "info info",
      "warn warn",
      "error error",
      "debug debug",
      "info two",
      "info lines",
      "info ",
      "info torn line",
      "warn no end",
      "info \uFFFD\uFFFD\0A",
      "info bun's own",
    ]) {
      expect(text).toContain(line);
    }
    expect(text.some((line) => line.includes("│"))).toBe(true);
  });
});

describe("a function that outlives its attempt", () => {
  test("is refused and reported in the log; the rows of the task are those that it awaited", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const m = message("m", (db, id: number) => void db.run("INSERT INTO t VALUES (?)", id));
      const late = task({
        name: "late",
        async run(_, ctx) {
          await ctx.insert("t", [{ id: 1 }]);
          // Caught: in the workers of a test run, Bun itself handles uncaught errors.
          [2, 3].forEach(async (id) => { await step("go on", id); await ctx.insert("t", [{ id }]).catch(() => {}); });
          void step("go on", 4).then(() => ctx.emit(m, 4)).catch(() => {});
          void step("go on", 5).then(() => ctx.checkpoint(5)).catch(() => {});
        },
      });
      const beside = task({ name: "beside", run: () => step("beside") });
      export default pipeline({ name: "p", messages: [m], schema: "CREATE TABLE t (id)", tasks: () => [late(), beside()] });
    `);
    const started = await rig.start(file, { workers: 1, concurrency: 2 });
    const calls = await Promise.all(Array.from({ length: 4 }, () => control.next("go on")));
    await started.event("task-finished", { name: "late", status: "done" });
    for (const call of calls) call.finish();
    await started.event("task-log");
    (await control.next("beside")).finish();
    expect(await started.end).toMatchObject({ status: "done", done: 2 });
    expect(rig.rows("SELECT id FROM t")).toEqual([{ id: 1 }]);
    const lines = rig.rows("SELECT level, line FROM task_logs");
    expect(lines).toEqual([
      {
        level: "error",
        line: expect.stringContaining("after the task had ended (attempt 1: done)"),
      },
    ]);
    expect(started.output).toEqual([]);
  });

  test("does not end the thread, and what it prints is not another task's", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(
      `
      const stray = task({
        name: "stray",
        async run() { void step("go on").then(() => { console.log("from the stray"); process.exit(7); }).catch(() => {}); },
      });
      const next = task({ name: "next", run: () => step("next") });
      export default pipeline({ name: "p", tasks: () => next({}, { after: [stray()] } as never) });
    `.replace("next({}, { after: [stray()] } as never)", "[stray(), next()]"),
    );
    const started = await rig.start(file, { workers: 1 });
    const goOn = await control.next("go on");
    const next = await control.next("next");
    goOn.finish();
    await started.event("task-log", { level: "error" });
    next.finish("unharmed");
    expect(await started.end).toMatchObject({ done: 2 });
    expect(
      rig.rows(
        "SELECT t.name, l.line FROM task_logs l JOIN task_runs t ON t.id = l.task_id ORDER BY l.rowid",
      ),
    ).toEqual([
      { name: "stray", line: "after the task had ended: from the stray" },
      { name: "stray", line: expect.stringContaining("it called process.exit(7)") },
    ]);
  });
});
