// Units, concurrency and secrets with real worker threads.

import { expect, setDefaultTimeout, test } from "bun:test";
import { newRig } from "../support/rig.ts";

setDefaultTimeout(60_000);

test("a unit of many batches stays whole while other tasks of its thread log and report", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
      const load = task({
        name: "load",
        async run(_, ctx) {
          for (let i = 0; i < 300; i++) await ctx.insert("t", [{ id: i }]);
          // The last batch is refused, so nothing of the unit may stay.
          await ctx.insert("t", [{ id: -1 }]);
        },
      });
      const talk = task({
        name: "talk",
        async run(_, ctx) {
          for (let i = 0; i < 300; i++) {
            ctx.log.info("line", i);
            ctx.progress(i, 300);
            await new Promise((resolve) => setImmediate(resolve));
          }
        },
      });
      export default pipeline({
        name: "p",
        schema: "CREATE TABLE t (id INTEGER PRIMARY KEY CHECK (id >= 0))",
        tasks: () => [load(), talk(), talk()],
      });
    `);
  const summary = await rig.run(file, { workers: 1, concurrency: 3 });
  expect(summary).toMatchObject({ done: 2, failed: 1 });
  expect(summary.failures[0]?.failure.code).toStartWith("SQLITE_CONSTRAINT");
  expect(rig.rows("SELECT count(*) AS n FROM t")).toEqual([{ n: 0 }]);
  expect(rig.rows("SELECT count(*) AS n FROM task_logs")).toEqual([{ n: 600 }]);
});

test("a failed attempt leaves only what it has checkpointed, and the next starts from there", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const load = task({
      name: "load",
      retries: { limit: 2, delay: 0 },
      async run(_, ctx) {
        const from = Number(ctx.cursor ?? 0);
        await ctx.insert("t", [{ id: from * 10, attempt: ctx.attempt }]);
        await ctx.checkpoint(from + 1);
        await ctx.insert("t", [{ id: from * 10 + 1, attempt: ctx.attempt }]);
        if (ctx.attempt < 3) throw new Error("between");
        return from;
      },
    });
    export default pipeline({ name: "p", schema: "CREATE TABLE t (id PRIMARY KEY, attempt)", tasks: () => load() });
  `);
  expect(await rig.run(file)).toMatchObject({ done: 1, failed: 0 });
  expect(rig.rows("SELECT id, attempt FROM t ORDER BY id")).toEqual([
    { id: 0, attempt: 1 },
    { id: 10, attempt: 2 },
    { id: 20, attempt: 3 },
    { id: 21, attempt: 3 },
  ]);
  expect(rig.rows("SELECT status, attempt, result, cursor FROM task_runs")).toEqual([
    { status: "done", attempt: 3, result: "2", cursor: "3" },
  ]);
});

test("sends that are not awaited are committed, and fail the task if they fail", async () => {
  await using rig = newRig();
  const file = rig.pipeline(
    `
    const fine = task({ name: "fine", run(_, ctx) { void ctx.insert("t", [{ id: 1 }]); void ctx.insert("t", [{ id: 2 }]); } });
    const wrong = task({ name: "wrong", run(_, ctx) { void ctx.insert("t", [{ id: 3 }]); void ctx.insert("t", [{ id: Symbol("no") }] as any); } });
    const late = task({ name: "late", async run(_, ctx) { await ctx.insert("t", [{ id: 4 }]); void ctx.checkpoint(); void ctx.insert("t", [{ id: 1 }]); } });
    export default pipeline({ name: "p", schema: "CREATE TABLE t (id INTEGER PRIMARY KEY)", tasks: () => [fine(), late({}, { after: [fine()] } as never), wrong()].slice(0, 3) });
  `.replace("late({}, { after: [fine()] } as never)", "late()"),
  );
  const summary = await rig.run(file, { workers: 1 });
  expect(summary).toMatchObject({ done: 1, failed: 2 });
  expect(rig.rows("SELECT id FROM t ORDER BY id")).toEqual([{ id: 1 }, { id: 2 }, { id: 4 }]);
});

// More than 256 at once need BUN_CONFIG_MAX_HTTP_REQUESTS in the environment before the start.
test("250 requests are in flight at once on 4 threads", async () => {
  await using rig = newRig();
  const all = Promise.withResolvers<void>();
  let inFlight = 0;
  using server = Bun.serve({
    port: 0,
    idleTimeout: 0,
    async fetch() {
      if (++inFlight === 250) all.resolve();
      await all.promise;
      return new Response("ok");
    },
  });
  const file = rig.pipeline(`
    const get = task({ name: "get", async run(_: number, ctx) { return (await fetch("${server.url.href}", { signal: ctx.signal })).text(); } });
    export default pipeline({ name: "p", tasks: () => Array.from({ length: 250 }, (_, i) => get(i)) });
  `);
  expect(await rig.run(file, { workers: 4, concurrency: 250 })).toMatchObject({ done: 250 });
});

test("a task that waits for a thread does not run: its timeout has not begun", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const block = task({ name: "block", run() { Bun.sleepSync(400); } });
    const quick = task({ name: "quick", timeout: 200, run() {} });
    export default pipeline({ name: "p", tasks: () => [block(), ...Array.from({ length: 20 }, () => quick())] });
  `);
  expect(await rig.run(file, { workers: 1 })).toMatchObject({ done: 21, failed: 0 });
});

test("a long task does not delay the tasks assigned after it while another thread is idle", async () => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(`
    const quick = task({ name: "quick", run: ({ n }: { n: number }) => n });
    const long = task({ name: "long", run: () => step("long") });
    export default pipeline({ name: "p", tasks: () => [...Array.from({ length: 400 }, (_, n) => quick({ n })), long(), ...Array.from({ length: 400 }, (_, n) => quick({ n: 400 + n }))] });
  `);
  const started = await rig.start(file, { workers: 2 });
  const long = await control.next("long");
  await started.ended(800);
  long.finish();
  expect(await started.end).toMatchObject({ done: 801 });
});

test("secrets never reach what pipeloom writes: its tables, the events, the screen, a failure", async () => {
  await using rig = newRig();
  rig.write(".env", 'SECRET="hunter2\\nsecond line of it"\n');
  const file = rig.pipeline(`
    // Of a value that a task sets later, the writer's thread does not know that it is secret.
    const atLoad = process.env["SECRET"] ?? "";
    const refuse = message("refuse", (_db, text: string) => { throw new Error("cannot store " + text); });
    const tell = task({
      name: "tell",
      async run(_, ctx) {
        const secret = ctx.env["SECRET"] ?? "";
        if (!secret.includes("\\n")) throw new Error("no .env");
        console.log("it is", secret);
        ctx.progress(1, 2, secret);
        process.env["SECRET"] = "another-of-them";
        ctx.log.info("now it is another-of-them");
        await ctx.checkpoint("half");
        return 1;
      },
    });
    const fail = task({ name: "fail", optional: true, run(_: unknown, ctx) { throw new Error("with " + ctx.env["SECRET"]); } });
    const applied = task({ name: "applied", optional: true, run: (_: unknown, ctx) => ctx.emit(refuse, atLoad) });
    const refused = task({ name: "refused", label: () => "for " + atLoad, optional: true, run: (_: unknown, ctx) => ctx.insert("t", [{ v: atLoad, n: null }]) });
    const never = task({ name: "never", run: (_: { of: string, failed: unknown }) => null });
    const secret = () => process.env["SECRET"] ?? "";
    export default pipeline({
      name: "p " + secret(), secrets: ["SECRET"], messages: [refuse], schema: "CREATE TABLE t (v, n NOT NULL)",
      onTaskFinish: () => { throw new Error("hook with " + secret()); },
      onFinish: (summary) => { console.log(JSON.stringify(summary)); },
      tasks: () => [tell(undefined, { name: "tell " + secret() }), fail({ token: secret() }), applied(0, { label: "with " + secret() }), refused(0), never({ of: secret(), failed: fail(1, { name: "no " + secret(), optional: false }) })],
    });
  `);
  const log = rig.file("log.txt");
  const { code, out, err } = await rig.fromSource(
    "run",
    file,
    "--db",
    "test.db",
    "--json",
    "-vv",
    "-l",
    log,
  );
  expect(code).toBe(1);
  const plan = await rig.fromSource("run", file, "--dry-run");
  const file1 = await Bun.file(rig.file("test.db")).text();
  for (const text of [out, err, file1, await Bun.file(log).text(), plan.out]) {
    expect(text).toContain("***");
    for (const part of ["hunter2", "second line of it", "another-of-them"]) {
      expect(text).not.toContain(part);
    }
  }
  expect(rig.rows("SELECT status, count(*) AS n FROM task_runs GROUP BY status")).toEqual([
    { status: "done", n: 1 },
    { status: "error", n: 4 },
    { status: "skipped", n: 1 },
  ]);
  const items = rig.rows(
    "SELECT name, label, input FROM task_runs WHERE name NOT LIKE '% %' ORDER BY name",
  );
  expect(items).toEqual([
    { name: "applied", label: "with ***", input: "0" },
    { name: "fail", label: null, input: '{"token":"***"}' },
    { name: "never", label: null, input: '{"of":"***","failed":…' },
    { name: "refused", label: "for ***", input: "0" },
  ]);
});

test("rows, messages, inputs and results keep their values; a result or a cursor that holds a secret is refused", async () => {
  await using rig = newRig();
  rig.write(".env", "TOKEN=a-long-token\nPASSWORD=test\n");
  const file = rig.pipeline(`
    const m = message("m", (db, text: string) => void db.run("INSERT INTO t VALUES (?)", text));
    const pass = task({ name: "pass", run: (_: unknown, ctx) => "latest test" });
    const rows = task({
      name: "rows",
      async run({ text }: { text: string }, ctx) {
        await ctx.insert("t", [{ v: "the latest contest" }, { v: text }, { v: ctx.env["TOKEN"] }]);
        await ctx.emit(m, "test " + ctx.env["TOKEN"]);
        return text;
      },
    });
    const result = task({ name: "result", optional: true, run: (_: unknown, ctx) => ({ rows: [{ token: "x" + ctx.env["TOKEN"] }] }) });
    const cursor = task({ name: "cursor", optional: true, run: (_: unknown, ctx) => ctx.checkpoint({ at: ctx.env["TOKEN"] }) });
    export default pipeline({ name: "p", secrets: ["TOKEN", "PASSWORD"], messages: [m], schema: "CREATE TABLE t (v)", tasks: () => [rows({ text: pass(0) }), result(0), cursor(0)] });
  `);
  const { err } = await rig.fromSource("run", file, "--db", "test.db");
  expect(rig.rows("SELECT v FROM t ORDER BY rowid")).toEqual([
    { v: "the latest contest" },
    { v: "latest test" },
    { v: "a-long-token" },
    { v: "test a-long-token" },
  ]);
  expect(
    rig.rows("SELECT name, result FROM task_runs WHERE status = 'done' ORDER BY name"),
  ).toEqual([
    { name: "pass", result: '"latest test"' },
    { name: "rows", result: '"latest test"' },
  ]);
  const failures = rig.rows("SELECT error FROM task_runs WHERE status = 'error' ORDER BY id");
  expect(
    failures.map(({ error }) => (JSON.parse(String(error)) as { message: string }).message),
  ).toEqual([
    "the task's output: result.rows[0].token holds the value of the secret TOKEN; outputs are stored and shown, so leave it out, and read it from ctx.env where it is needed",
    "checkpoint: cursor.at holds the value of the secret TOKEN; cursors are stored and shown, so leave it out, and read it from ctx.env where it is needed",
  ]);
  expect(err).toContain("the secret PASSWORD has fewer than 8 characters");
});
