// Real worker threads: lost threads, cancels, modules that fail only in a worker.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { newRig, type Rig } from "../support/rig.ts";

setDefaultTimeout(60_000);

const statuses = (rig: Rig): unknown[] =>
  rig.rows("SELECT name, status, attempt FROM task_runs ORDER BY id");
const failure = (rig: Rig, name: string): Record<string, unknown> => {
  const [row] = rig.rows(`SELECT error FROM task_runs WHERE name = '${name}'`);
  return JSON.parse(String(row?.["error"])) as Record<string, unknown>;
};

test("prints of a message that is being applied are shown, and do not reach stdout", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    console.log("while it loads");
    const say = message("say", (_db, text: string) => { console.log("applied %s", text); process.stdout.write("raw\\n"); });
    const a = task({ name: "a", run: (_, ctx) => ctx.emit(say, "it") });
    export default pipeline({ name: "p", messages: [say], tasks: () => a() });
  `);
  const { code, out, err } = await rig.fromSource("run", file, "--db", "test.db", "--json");
  expect(code).toBe(0);
  const lines = out.trimEnd().split("\n");
  expect(lines.filter((line) => !line.startsWith("{"))).toEqual([]);
  expect(err).toContain("applied it");
  expect(err).toContain("raw");
});

describe("a thread that is lost", () => {
  test("process.exit fails only its task; its neighbours run again, and no retry is used up", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const leave = task({ name: "leave", async run() { await step("leave"); process.exit(3); } });
      const stay = task({ name: "stay", async run(_, ctx) { return [await step("stay", ctx.attempt), ctx.attempt]; } });
      export default pipeline({ name: "p", tasks: () => [leave(), stay()] });
    `);
    const started = await rig.start(file, { workers: 1, concurrency: 2 });
    await control.next("stay");
    (await control.next("leave")).finish();
    const again = await control.next("stay");
    expect(again.input).toBe(2);
    again.finish("stayed");
    expect(await started.end).toMatchObject({ done: 1, failed: 1 });
    expect(failure(rig, "leave")).toMatchObject({
      name: "WorkerExit",
      message: "the task called process.exit(3)",
    });
    expect(statuses(rig)).toEqual([
      { name: "leave", status: "error", attempt: 1 },
      { name: "stay", status: "done", attempt: 2 },
    ]);
  });

  test("an endless loop with a timeout is ended; its neighbour runs again", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const stay = task({ name: "stay", async run(_, ctx) { return step("stay", ctx.attempt); } });
      const loop = task({ name: "loop", timeout: 100, async run() { await step("loop"); for (;;); } });
      export default pipeline({ name: "p", tasks: () => [stay(), loop()] });
    `);
    const started = await rig.start(file, { workers: 1, concurrency: 2 });
    await control.next("stay");
    (await control.next("loop")).finish();
    const again = await control.next("stay");
    expect(again.input).toBe(2);
    again.finish("stayed");
    expect(await started.end).toMatchObject({ done: 1, failed: 1 });
    expect(failure(rig, "loop")).toMatchObject({ name: "TimeoutError" });
    expect(statuses(rig)).toEqual([
      { name: "stay", status: "done", attempt: 2 },
      { name: "loop", status: "error", attempt: 1 },
    ]);
    expect(rig.rows("SELECT attempt, level, line FROM task_logs")).toEqual([
      { attempt: 1, level: "warn", line: expect.stringContaining("attempt 1 was interrupted") },
    ]);
    const [row] = rig.rows(
      "SELECT (julianday(finished_at) - julianday(started_at)) * 86400000 AS ms FROM task_runs WHERE name = 'loop'",
    );
    expect(Number(row?.["ms"])).toBeGreaterThan(100);
  });

  test("a timeout that the task listens to does not affect its neighbours", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const late = task({ name: "late", timeout: 50, retries: { limit: 1, delay: 0 }, async run(_, ctx) { return step("late" + ctx.attempt, 0, ctx.signal); } });
      export default pipeline({ name: "p", tasks: () => late() });
    `);
    const started = await rig.start(file, { workers: 1 });
    const first = await control.next("late1");
    await first.gone;
    (await control.next("late2")).finish("in time");
    expect(await started.end).toMatchObject({ done: 1, failed: 0 });
    const retrying = await started.event("task-retrying");
    expect(retrying.failure).toMatchObject({
      name: "TimeoutError",
      message: "timed out after 50 ms",
    });
  });
});

describe("cancel", () => {
  test("running tasks that listen are cancelled, the others stay queued, none is missing", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const listen = task({ name: "listen", run: (_, ctx) => step("listen", 0, ctx.signal) });
      const after = task({ name: "after", run: (input: { before: unknown }) => input });
      const last = task({ name: "last", run: (input: unknown) => input });
      export default pipeline({ name: "p", tasks: () => [last(after({ before: listen() })), ...Array.from({ length: 3 }, () => listen())] });
    `);
    const started = await rig.start(file, { workers: 1, concurrency: 2 });
    const first = await control.next("listen");
    const second = await control.next("listen");
    started.run.stop(false);
    await Promise.all([first.gone, second.gone]);
    const summary = await started.end;
    expect(rig.list()).toEqual(["control.ts", "pipeline.ts", "test.db"]);
    expect(summary).toMatchObject({ status: "cancelled", total: 6, cancelled: 2, queued: 4 });
    expect(rig.rows("SELECT name, status, count(*) AS n FROM task_runs GROUP BY 1, 2")).toEqual([
      { name: "after", status: "queued", n: 1 },
      { name: "last", status: "queued", n: 1 },
      { name: "listen", status: "cancelled", n: 2 },
      { name: "listen", status: "queued", n: 2 },
    ]);
    expect(failure(rig, "listen")).toMatchObject({ name: "CancelledError" });
    expect(rig.rows("SELECT status FROM pipeline_runs")).toEqual([{ status: "cancelled" }]);
  });

  test("the second request ends tasks that do not listen", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const deaf = task({ name: "deaf", async run() { await step("deaf"); } });
      const loop = task({ name: "loop", async run() { await step("loop"); for (;;); } });
      export default pipeline({ name: "p", tasks: () => [deaf(), loop()] });
    `);
    const started = await rig.start(file, { workers: 2, concurrency: 2 });
    await control.next("deaf");
    (await control.next("loop")).finish();
    started.run.stop(false);
    started.run.stop(true);
    expect(await started.end).toMatchObject({ status: "cancelled", cancelled: 2 });
    expect(statuses(rig)).toEqual([
      { name: "deaf", status: "cancelled", attempt: 1 },
      { name: "loop", status: "cancelled", attempt: 1 },
    ]);
  });

  test("a task that ends well after all is done", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const deaf = task({ name: "deaf", async run(_, ctx) { await step("deaf"); await ctx.insert("t", [{ id: 1 }]); } });
      export default pipeline({ name: "p", schema: "CREATE TABLE t (id)", tasks: () => deaf() });
    `);
    const started = await rig.start(file);
    const call = await control.next("deaf");
    started.run.stop(false);
    call.finish();
    expect(await started.end).toMatchObject({ status: "cancelled", done: 1 });
    expect(rig.rows("SELECT count(*) AS n FROM t")).toEqual([{ n: 1 }]);
  });

  test("before anything has started", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const never = task({ name: "never", run() {} });
      export default pipeline({ name: "p", tasks: () => [never(), never()] });
    `);
    const started = await rig.start(file);
    started.run.stop(false);
    expect(await started.end).toMatchObject({ status: "cancelled", queued: 2, done: 0 });
    expect(statuses(rig)).toEqual([
      { name: "never", status: "queued", attempt: 0 },
      { name: "never", status: "queued", attempt: 0 },
    ]);
  });
});

const inWorkers = (what: string): string => `
  const a = task({ name: "a", run() {} });
  if (!Bun.isMainThread) { ${what} }
  export default pipeline({ name: "p", tasks: () => a() });
`;

describe("a module that loads only in the main thread", () => {
  test("throws in a worker: the run fails and says where", async () => {
    await using rig = newRig();
    const summary = await rig.run(rig.pipeline(inWorkers('throw new Error("not here");')));
    expect(summary).toMatchObject({ status: "error", queued: 1 });
    expect(summary.failure?.message).toContain("not here");
    expect(summary.failure?.message).toMatch(/pipeline\.ts:\d+:\d+/);
    expect(statuses(rig)).toEqual([{ name: "a", status: "queued", attempt: 0 }]);
  });

  test("exits in a worker: the run fails", async () => {
    await using rig = newRig();
    const summary = await rig.run(rig.pipeline(inWorkers("process.exit(5);")));
    expect(summary).toMatchObject({ status: "error", queued: 1 });
    expect(summary.failure?.message).toContain("while it loaded");
  });

  test("never finishes to load in a worker: a cancel still ends the run", async () => {
    await using rig = newRig();
    const file = rig.pipeline(inWorkers("await new Promise(() => {});"));
    const started = await rig.start(file);
    await started.event("run-started");
    started.run.stop(false);
    expect(await started.end).toMatchObject({ status: "cancelled", queued: 1 });
  });

  test("does not know the task in a worker: the task fails and says so", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const a = task({ name: Bun.isMainThread ? "a" : "b", run() {} });
      export default pipeline({ name: "p", tasks: () => a() });
    `);
    const summary = await rig.run(file);
    expect(summary.failures[0]?.failure.message).toContain('no task is called "a" in this thread');
  });
});

test("a library that replaces the message handlers and timers of its thread does not stop the run", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const take = () => {
      if (Bun.isMainThread) return;
      self.onmessage = () => {};
      self.addEventListener("message", (event) => event.stopImmediatePropagation());
      for (const message of ["hello", { type: "free", count: 9, passed: 9, busyMs: 1 }, { type: "failed" }, null]) self.postMessage(message);
      globalThis.setTimeout = globalThis.setImmediate = (() => 0) as never;
      globalThis.performance.now = Date.now = () => 0;
    };
    take();
    const m = message("m", (db, id: number) => { take(); db.run("INSERT INTO t VALUES (?)", id); });
    const a = task({ name: "a", timeout: "1h", async run({ id }: { id: number }, ctx) { take(); await ctx.emit(m, id); await ctx.checkpoint(id); return id; } });
    export default pipeline({ name: "p", messages: [m], schema: "CREATE TABLE t (id)", tasks: () => Array.from({ length: 20 }, (_, id) => a({ id })) });
  `);
  const { code, err } = await rig.fromSource("run", file, "--db", "test.db", "-w2", "-c4");
  expect(err).not.toContain("Internal error");
  expect(code).toBe(0);
  expect(rig.rows("SELECT count(*) AS n, sum(id) AS sum FROM t")).toEqual([{ n: 20, sum: 190 }]);
});
