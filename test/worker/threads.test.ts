// Real Workers and what user code may do to them.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { newRig, type Rig } from "../support/rig.ts";

setDefaultTimeout(60_000);

const statuses = (rig: Rig): unknown[] =>
  rig.rows("SELECT name, status, attempt FROM task_runs ORDER BY id");
const failure = (rig: Rig, name: string): Record<string, unknown> => {
  const [row] = rig.rows(`SELECT error FROM task_runs WHERE name = '${name}'`);
  return JSON.parse(String(row?.["error"])) as Record<string, unknown>;
};

describe("whatever is thrown fails the task, and the thread goes on", () => {
  const cases: readonly [what: string, body: string, message: string][] = [
    ["an error", 'throw new TypeError("no")', "no"],
    ["a string", 'throw "no"', "thrown: no"],
    ["null", "throw null", "thrown: null"],
    ["undefined", "throw undefined", "thrown: undefined"],
    ["a frozen object", "throw Object.freeze({ a: 1 })", 'thrown: {"a":1}'],
    ["a frozen error", 'throw Object.freeze(new Error("cold"))', "cold"],
    [
      "an error with hostile getters",
      'throw { message: "still", get name() { throw 1 }, get stack() { throw 2 }, get cause() { throw 3 } }',
      "still",
    ],
    ["a promise that rejects", "return Promise.reject(undefined)", "thrown: undefined"],
    ["a thenable that throws", "return { then() { throw new Error('then') } }", "then"],
    [
      "a result whose `then` cannot be read",
      "return { get then() { throw new Error('getter') } }",
      "getter",
    ],
    ["a stack that overflows", "const f = () => f() + 1; return f()", "Maximum call stack"],
  ];

  test.each([1, 3])("with %i tasks on the thread", async (slots) => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const tasks = [
        ${cases.map(([, body], i) => `task({ name: "t${i}", run(): any { ${body} } })`).join(",\n")},
      ];
      const fine = task({ name: "fine", run: () => "fine" });
      export default pipeline({ name: "p", tasks: () => [...tasks.map((each) => each()), fine()] });
    `);
    const started = await rig.start(file, { workers: 1, concurrency: slots });
    expect(await started.end).toMatchObject({ done: 1, failed: cases.length });
    for (const [i, [, , message]] of cases.entries()) {
      expect(String(failure(rig, `t${i}`)["message"])).toContain(message);
    }
    expect(started.output).toEqual([]);
  });
});

// In a process of their own: in the Workers of a test run, Bun answers what nobody caught itself.
describe("what nobody caught", () => {
  const text = `
    const stray = task({ name: "stray", run(): any { Promise.reject(new Error("a stray")); return Bun.sleep(200); } });
    const timer = task({ name: "timer", run(): any { setTimeout(() => { throw new Error("a timer") }, 0); return Bun.sleep(200); } });
    const fine = task({ name: "fine", run: () => Bun.sleep(200) });
    export default pipeline({ name: "p", tasks: () => [stray(), timer(), fine()] });
  `;

  test("fails the task that it came from, where a thread has one at a time", async () => {
    await using rig = newRig();
    const { code, err } = await rig.fromSource("run", rig.pipeline(text), "--db", "test.db", "-w1");
    expect(code).toBe(1);
    expect(failure(rig, "stray")["message"]).toBe("a stray");
    expect(failure(rig, "timer")["message"]).toBe("a timer");
    expect(rig.rows("SELECT name FROM task_runs WHERE status = 'done'")).toEqual([
      { name: "fine" },
    ]);
    expect(err).toContain("1 of 3 tasks done, 2 failed");
  });

  // Bun does not say where a rejection came from, so with several on a thread it can be shown, and no more.
  test("among several on one thread, a timer's is told apart; a rejection's is shown", async () => {
    await using rig = newRig();
    const file = rig.pipeline(text);
    const { code, err } = await rig.fromSource("run", file, "--db", "test.db", "-w1", "-c4");
    expect(code).toBe(1);
    expect(rig.rows("SELECT name FROM task_runs WHERE status = 'error'")).toEqual([
      { name: "timer" },
    ]);
    expect(failure(rig, "timer")["message"]).toBe("a timer");
    expect(err).toContain(
      "not caught, by one of the tasks that share this thread (stray #1, timer #2, fine #3), and it cannot be told which, so none fails: Error: a stray",
    );
  });
});

test("what is no JSON value is an error that names the task and the place", async () => {
  await using rig = newRig();
  const bodies = [
    ["new Date(0)", "result is a Date"],
    ["{ rows: [new Map()] }", "result.rows[0] is a Map"],
    ["[1n]", "result[0] is a BigInt"],
    ["{ n: NaN }", "result.n is NaN"],
    ["(() => { const loop: any = {}; loop.self = loop; return loop; })()", "does it hold itself?"],
    ["{ get a() { throw new Error('getter') } }", "getter"],
  ] as const;
  const file = rig.pipeline(`
    const tasks = [${bodies.map(([body], i) => `task({ name: "t${i}", run: (): any => (${body}) })`).join(",")}];
    const nothing = task({ name: "nothing", run() {} });
    export default pipeline({ name: "p", tasks: () => [...tasks.map((each) => each()), nothing()] });
  `);
  expect(await rig.run(file, { workers: 1 })).toMatchObject({ done: 1, failed: bodies.length });
  for (const [i, [, message]] of bodies.entries()) {
    expect(String(failure(rig, `t${i}`)["message"])).toContain(message);
  }
  expect(rig.rows("SELECT result FROM task_runs WHERE name = 'nothing'")).toEqual([
    { result: "null" },
  ]);
});

test("the context may be taken apart", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const apart = task({
      name: "apart",
      async run({ n }: { n: number }, { progress, log, upsert, insert, emit, checkpoint, cursor, query, signal, attempt, run, task, params, env }) {
        progress(1, 2, "half");
        log.info("a line", { n });
        await upsert("t", [{ id: n, v: "up" }], { key: "id" });
        await insert("t", [{ id: n + 1, v: String(cursor) }]);
        await checkpoint({ at: n });
        await emit(note, "noted");
        await checkpoint();
        const rows = query("SELECT count(*) AS n FROM t");
        return { aborted: signal.aborted, attempt, pipeline: run.pipeline, task: task.name, limit: params.limit, path: typeof env.PATH, rows };
      },
    });
    const note = message("note", (db, text: string) => void db.run("INSERT INTO t VALUES (100, ?)", text));
    export default pipeline({
      name: "p",
      params: { limit: 3 },
      messages: [note],
      schema: "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
      tasks: () => apart({ n: 1 }),
    });
  `);
  expect(await rig.run(file)).toMatchObject({ status: "done" });
  expect(rig.rows("SELECT * FROM t ORDER BY id")).toEqual([
    { id: 1, v: "up" },
    { id: 2, v: "undefined" },
    { id: 100, v: "noted" },
  ]);
  const [row] = rig.rows("SELECT result, cursor, progress FROM task_runs");
  expect(JSON.parse(String(row?.["result"]))).toEqual({
    aborted: false,
    attempt: 1,
    pipeline: "p",
    task: "apart",
    limit: 3,
    path: "string",
    rows: [{ n: 3 }],
  });
  expect(rig.rows("SELECT level, line FROM task_logs")).toEqual([
    { level: "info", line: "a line { n: 1 }" },
  ]);
});

describe("prints", () => {
  test("100,000 lines of one task are all kept, in order", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const talk = task({ name: "talk", run() { for (let i = 0; i < 100_000; i++) console.log("line " + i); } });
      export default pipeline({ name: "p", tasks: () => talk() });
    `);
    expect(await rig.run(file)).toMatchObject({ done: 1 });
    expect(
      rig.rows(
        "SELECT count(*) AS n, sum(line = 'line ' || (rowid - 1)) AS inOrder FROM task_logs",
      ),
    ).toEqual([{ n: 100_000, inOrder: 100_000 }]);
  });

  test("every way of printing becomes a line of its task, and none reaches the screen", async () => {
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

test("what a message prints while it is applied is shown, and does not reach stdout", async () => {
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
  test("process.exit fails its task alone; the neighbours run again, and no retry is used up", async () => {
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

  test("a timeout that is listened to costs nobody else anything", async () => {
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
    expect(retrying.failure).toMatchObject({ name: "TimeoutError", message: "no end after 50 ms" });
  });
});

describe("cancel", () => {
  test("what listens is cancelled, what never started stays queued, nothing is missing", async () => {
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

  test("what does not listen is ended by the second request", async () => {
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

  test("what ends well after all is done", async () => {
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

describe("a module that is sound in the main thread alone", () => {
  test("throws in a Worker: the run fails and says where", async () => {
    await using rig = newRig();
    const summary = await rig.run(rig.pipeline(inWorkers('throw new Error("not here");')));
    expect(summary).toMatchObject({ status: "error", queued: 1 });
    expect(summary.failure?.message).toContain("not here");
    expect(summary.failure?.message).toMatch(/pipeline\.ts:\d+:\d+/);
    expect(statuses(rig)).toEqual([{ name: "a", status: "queued", attempt: 0 }]);
  });

  test("exits in a Worker: the run fails", async () => {
    await using rig = newRig();
    const summary = await rig.run(rig.pipeline(inWorkers("process.exit(5);")));
    expect(summary).toMatchObject({ status: "error", queued: 1 });
    expect(summary.failure?.message).toContain("while it loaded");
  });

  test("never comes to an end in a Worker: a cancel still ends the run", async () => {
    await using rig = newRig();
    const file = rig.pipeline(inWorkers("await new Promise(() => {});"));
    const started = await rig.start(file);
    await started.event("run-started");
    started.run.stop(false);
    expect(await started.end).toMatchObject({ status: "cancelled", queued: 1 });
  });

  test("does not know the task in a Worker: the task fails and says so", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const a = task({ name: Bun.isMainThread ? "a" : "b", run() {} });
      export default pipeline({ name: "p", tasks: () => a() });
    `);
    const summary = await rig.run(file);
    expect(summary.failures[0]?.failure.message).toContain('no task is called "a" in this thread');
  });
});

describe("what goes on after its task has ended", () => {
  test("is refused and told in the log, and the rows of the task are those that it awaited", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const m = message("m", (db, id: number) => void db.run("INSERT INTO t VALUES (?)", id));
      const late = task({
        name: "late",
        async run(_, ctx) {
          await ctx.insert("t", [{ id: 1 }]);
          // Caught, for in the Workers of a test run Bun answers itself what nobody has caught.
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

// In a process of their own, see above.
test("a send that is awaited in a function that nobody awaits fails its task, among several on one thread", async () => {
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

test("a library that takes over the message handlers and timers of its thread stops nothing", async () => {
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
