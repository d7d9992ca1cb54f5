// Whole runs with real threads: the values that tasks get, and how a run ends.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { newRig, type Rig } from "../support/rig.ts";

setDefaultTimeout(60_000);

const result = (rig: Rig, name: string): unknown[] =>
  rig
    .rows(`SELECT result FROM task_runs WHERE name = '${name}' ORDER BY id`)
    .map((row) => JSON.parse(String(row["result"])));

describe("values", () => {
  test("a node from outside that has ended before the items unfold is read", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const config = task({ name: "config", run: () => ({ n: 42 }) });
      const list = task({ name: "list", async run() { await step("list"); return [1, 2]; } });
      const use = task({ name: "use", run: ({ x, config }: any) => [x, config] });
      export default pipeline({ name: "p", tasks: () => {
        const c = config();
        return [c, each(list(), (x) => use({ x, config: c }))];
      }});
    `);
    const started = await rig.start(file);
    await started.event("task-finished", { name: "config" });
    (await control.next("list")).finish();
    expect(await started.end).toMatchObject({ status: "done", done: 4 });
    expect(result(rig, "use")).toEqual([
      [1, { n: 42 }],
      [2, { n: 42 }],
    ]);
  });

  test.each([
    ["is read from the file", {}],
    ["is kept in memory where no file keeps it", { storeTaskStatus: false }],
  ])("a long result that is read after its task has ended %s", async (_, options) => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const long = task({ name: "long", run: ({ of }: any) => of.repeat(50_000) });
      const use = task({ name: "use", async run({ i, a, b }: any, ctx) {
        await ctx.insert("t", [{ i, a: a.length + a[0], b: b.length + b[0] }]);
      }});
      export default pipeline({ name: "p", schema: "CREATE TABLE t (i, a, b)", tasks: async function* () {
        const [a, b] = [long({ of: "a" }), long({ of: "ü" })];
        yield a;
        await step("one");
        yield use({ i: 1, a, b });
        await step("other");
        for (const i of [2, 3, 4]) yield use({ i, a, b });
      }});
    `);
    const started = await rig.start(file, { workers: 1, ...options });
    const one = await control.next("one");
    await started.ended(1);
    one.finish();
    const other = await control.next("other");
    await started.ended(3);
    other.finish();
    expect(await started.end).toMatchObject({ status: "done", done: 6 });
    expect(rig.rows("SELECT * FROM t ORDER BY i")).toEqual(
      [1, 2, 3, 4].map((n) => ({ i: n, a: "50000a", b: "50000ü" })),
    );
  });

  test("long results that are read all come, also when many tasks are ready", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const make = task({ name: "make", run: ({ i }: any) => String(i).padEnd(200_000, ".") });
      const head = task({ name: "head", run: ({ text }: any) => [text.length, parseInt(text)] });
      const all = task({ name: "all", run: ({ heads }: any) => heads });
      export default pipeline({ name: "p", tasks: () => all({
        heads: Array.from({ length: 64 }, (_, i) => head({ text: make({ i }) })),
      })});
    `);
    expect(await rig.run(file, { workers: 2 })).toMatchObject({ status: "done", done: 129 });
    expect(result(rig, "all")).toEqual([Array.from({ length: 64 }, (_, i) => [200_000, i])]);
  });

  test("an empty list is no error, and what its items might have used is named", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const setup = task({ name: "setup", run: () => 1 });
      const list = task({ name: "list", run: (): number[] => [] });
      const use = task({ name: "use", run: ({ s }: { s: number }) => s });
      export default pipeline({ name: "p", tasks: () => {
        const s = setup();
        return each(list(), () => use({ s }));
      }});
    `);
    const started = await rig.start(file);
    expect(await started.end).toMatchObject({ status: "done", done: 1, failure: null });
    expect(started.output).toEqual([expect.stringMatching(/^info: task "setup" does not run/)]);
  });

  test("a source that is no list fails the run, and says whose", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const get = task({ name: "get", run: (): any => ({ items: [1] }) });
      const load = task({ name: "load", run: ({ x }: any) => x });
      const sum = task({ name: "sum", run: ({ xs }: any) => xs.length });
      export default pipeline({ name: "p", tasks: () => sum({ xs: each(get(), (x) => load({ x })) }) });
    `);
    const summary = await rig.run(file);
    const why =
      'each: the source must yield a list, not an object with items; task "get" #1 yielded it; task "sum" #2 waits for the fan-out';
    expect(summary).toMatchObject({ status: "error", done: 1, skipped: 1 });
    expect(summary.failure?.message).toBe(why);
    expect(
      rig.rows("SELECT status, error ->> 'message' AS why FROM task_runs WHERE id = 2"),
    ).toEqual([{ status: "skipped", why: `skipped because ${why}` }]);
  });

  test("an optional source that fails is read as null", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const down = task({ name: "down", optional: true, run: (): number[] => { throw new Error("down"); } });
      const load = task({ name: "load", run: ({ x }: any) => x });
      const sum = task({ name: "sum", run: ({ xs }: any) => [xs] });
      export default pipeline({ name: "p", tasks: () => sum({ xs: each(down() as any, (x) => load({ x })) }) });
    `);
    expect(await rig.run(file)).toMatchObject({ status: "done", done: 1, failed: 1 });
    expect(result(rig, "sum")).toEqual([[null]]);
  });
});

/** Runs `file` until so many tasks are done and another asks for this step, and cancels. */
async function cancelAt(rig: Rig, file: string, tasks: number, step: string): Promise<void> {
  const started = await rig.start(file, { workers: 1 });
  const [call] = await Promise.all([rig.control.next(step), started.ended(tasks)]);
  started.run.stop(false);
  await call.gone;
  expect(await started.end).toMatchObject({ status: "cancelled", done: tasks });
}

const optionalSource = (tasks: string): string => `
  const source = task({ name: "source", run: (i: any, ctx) => step("source", i, ctx.signal) });
  const read = task({ name: "read", run: (value: any, ctx) => ctx.insert("t", [{ value: JSON.stringify(value) }]) });
  const stay = task({ name: "stay", run: (_: unknown, ctx) => step("stay", 0, ctx.signal) });
  const optional = { optional: true };
  export default pipeline({ name: "p", schema: "CREATE TABLE IF NOT EXISTS t (value)", tasks: ${tasks} });
`;

/** Fails at `source`, and is cancelled at `stay`. */
async function failAndStay(rig: Rig, file: string): Promise<void> {
  const first = await rig.start(file, { workers: 1 });
  (await rig.control.next("source")).fail("down");
  const stay = await rig.control.next("stay");
  first.run.stop(false);
  await stay.gone;
  expect(await first.end).toMatchObject({ status: "cancelled", failed: 1, cancelled: 1 });
}

describe("a run that is continued", () => {
  test("tells equal calls apart by their order: who read a result reads it again", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const roll = task({ name: "roll", run: () => step("roll") });
      const low = task({ name: "low", run: (value: any, ctx) => ctx.insert("t", [{ value }]) });
      const high = task({ name: "high", run: (value: any, ctx) => ctx.insert("t", [{ value }]) });
      const stay = task({ name: "stay", run: (_: unknown, ctx) => step("stay", 0, ctx.signal) });
      export default pipeline({ name: "p", schema: "CREATE TABLE IF NOT EXISTS t (value)",
        tasks: () => stay([low(roll() as any), high(roll() as any)]) });
    `);
    const first = await rig.start(file, { workers: 1 });
    for (const value of [1, 6]) (await control.next("roll")).finish(value);
    const stay = await control.next("stay");
    first.run.stop(false);
    await stay.gone;
    await first.end;
    const again = await rig.start(file, { resume: "last", workers: 1 });
    (await control.next("stay")).finish();
    expect(await again.end).toMatchObject({ status: "done", done: 5, alreadyDone: 4 });
    expect(rig.rows("SELECT value FROM t ORDER BY value")).toEqual([{ value: 1 }, { value: 6 }]);
  });

  test("with nothing left to do comes to its end, however late its Workers are", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      if (!Bun.isMainThread) await step("load");
      const a = task({ name: "a", run: () => "A" });
      const stay = task({ name: "stay", run: ({ a }: any) => step("stay", a) });
      export default pipeline({ name: "p", tasks: () => stay({ a: a() }) });
    `);
    const first = await rig.start(file, { workers: 1 });
    (await control.next("load")).finish();
    const stay = await control.next("stay");
    first.run.stop(false);
    stay.finish(1);
    await first.end;
    // Its Worker never gets to load: what is done needs none.
    expect(await rig.run(file, { resume: "last", workers: 1 })).toMatchObject({
      status: "done",
      done: 2,
      alreadyDone: 2,
    });
  });

  test("done tasks use up neither the rate nor the limit of their pool", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const call = task({ name: "call", pool: "api", run: ({ i }: any, ctx) => i < 3 ? i : step("call", i, ctx.signal) });
      export default pipeline({ name: "p", pools: { api: { limit: 4, per: "1h" } },
        tasks: () => [1, 2, 3, 4].map((i) => call({ i })) });
    `);
    await cancelAt(rig, file, 2, "call");
    const again = await rig.start(file, { resume: "last", workers: 1 });
    for (const _ of [3, 4]) (await control.next("call")).finish();
    expect(await again.end).toMatchObject({ status: "done", done: 4, alreadyDone: 2 });
  });

  test("long results of a fan-out's items are read, although nothing else is left to do", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const list = task({ name: "list", run: () => ["a", "b", "c"] });
      const long = task({ name: "long", run: ({ of }: any) => of.repeat(5_000) });
      const all = task({ name: "all", run({ texts }: any) {
        throw new Error(texts.map((text: string) => text.length + text[0]).join());
      }});
      export default pipeline({ name: "p", tasks: () => all({ texts: each(list(), (of) => long({ of })) }) });
    `);
    expect(await rig.run(file)).toMatchObject({ done: 4, failed: 1 });
    expect(await rig.run(file, { resume: "last" })).toMatchObject({
      done: 4,
      alreadyDone: 4,
      failures: [{ name: "all", failure: { message: "5000a,5000b,5000c" } }],
    });
  });

  test("what it planned and the file no longer has is skipped, with that reason", async () => {
    await using rig = newRig();
    const text = `
      const a = task({ name: "a", run: ({ v }: any) => { if (v === 1) throw new Error("bad input"); return v; } });
      export default pipeline({ name: "p", tasks: () => [a({ v: VALUE }), a({ v: 7 })] });
    `;
    await rig.run(rig.pipeline(text.replace("VALUE", "1"), "one.ts"));
    const mended = rig.pipeline(text.replace("VALUE", "2"), "two.ts");
    expect(await rig.run(mended, { resume: "last" })).toMatchObject({ status: "done", skipped: 1 });
    expect(
      rig.rows("SELECT status, error ->> 'message' AS why FROM task_runs WHERE status <> 'done'"),
    ).toEqual([{ status: "skipped", why: expect.stringContaining("does not any more") }]);
  });

  describe("does not try again what is optional and has failed", () => {
    const failedRow = "SELECT * FROM task_runs WHERE status = 'error'";

    test.each([
      ["one that is read", "() => stay(read(source(1, optional)))", "null"],
      [
        "the source of a fan-out",
        "() => stay(read(each(source(1, optional) as any, (i) => read(i))))",
        "null",
      ],
      ["an item of a fan-out", "() => stay(read(each([1], (i) => source(i, optional))))", "[null]"],
      [
        "what a stream yields",
        "async function* () { const a = source(1, optional); yield a; yield stay(read(a)); }",
        "null",
      ],
    ])("%s", async (_, tasks, value) => {
      await using rig = newRig();
      const { control } = rig;
      const file = rig.pipeline(optionalSource(tasks));
      await failAndStay(rig, file);
      const failed = rig.rows(failedRow);
      const again = await rig.start(file, { resume: "last", workers: 1 });
      (await control.next("stay")).finish();
      expect(await again.end).toMatchObject({
        status: "done",
        total: 3,
        done: 2,
        alreadyDone: 1,
        failed: 1,
        failures: [{ name: "source", attempt: 1, failure: { message: "down" } }],
      });
      expect(again.output).toEqual([]);
      expect(rig.rows(failedRow)).toEqual(failed);
      expect(rig.rows("SELECT value FROM t")).toEqual([{ value }]);
      const { failure } = await again.event("task-finished", { name: "source", startedAt: null });
      expect(failure).toMatchObject({ message: "down" });
    });

    test("but does where the file says now that it is not optional", async () => {
      await using rig = newRig();
      const { control } = rig;
      await failAndStay(
        rig,
        rig.pipeline(optionalSource("() => stay(read(source(1, optional)))"), "one.ts"),
      );
      const file = rig.pipeline(optionalSource("() => stay(read(source(1)))"), "two.ts");
      const again = await rig.start(file, { resume: "last", workers: 1, keep: ["read"] });
      (await control.next("source")).finish(5);
      (await control.next("stay")).finish();
      expect(await again.end).toMatchObject({ status: "done", done: 3, failed: 0 });
      expect(rig.rows("SELECT id, attempt, error FROM task_runs WHERE name = 'source'")).toEqual([
        { id: 1, attempt: 1, error: null },
      ]);
    });
  });

  test("long results are read from the file when something reads them", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const big = task({ name: "big", run: ({ i }: any) => String(i).padEnd(5000, "x") });
      const head = task({ name: "head", run: ({ text }: any) => text.slice(0, 3) });
      const last = task({ name: "last", run: ({ heads }: any, ctx) => step("last", heads, ctx.signal) });
      export default pipeline({ name: "p", tasks: () =>
        last({ heads: each(Array.from({ length: 100 }, (_, i) => i), (i) => head({ text: big({ i }) })) }) });
    `);
    await cancelAt(rig, file, 200, "last");
    const again = await rig.start(file, { resume: "last", workers: 1 });
    const call = await control.next("last");
    expect(call.input).toEqual(
      Array.from({ length: 100 }, (_, i) => String(i).padEnd(3, "x").slice(0, 3)),
    );
    call.finish();
    expect(await again.end).toMatchObject({ status: "done", done: 201, alreadyDone: 200 });
  });
});

describe("a cancel", () => {
  test("ends a run whose `tasks` never comes to an end", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const a = task({ name: "a", run() {} });
      export default pipeline({ name: "p", tasks: () => new Promise<never>(() => undefined) });
    `);
    const started = await rig.start(file);
    started.run.stop(false);
    expect(started.end).rejects.toThrow("the run was cancelled before it began; nothing was done");
    await started.end.catch(() => undefined);
    expect(rig.list()).toEqual(["pipeline.ts"]);
  });

  test("lets nothing of an asynchronous generator in that comes afterwards", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const a = task({ name: "a", run: (_, ctx) => step("a", 0, ctx.signal) });
      export default pipeline({ name: "p", async *tasks() { yield a(); await step("more"); yield a(); } });
    `);
    const started = await rig.start(file, { workers: 1 });
    await control.next("a");
    const more = await control.next("more");
    started.run.stop(false);
    more.finish();
    expect(await started.end).toMatchObject({ status: "cancelled", total: 1, cancelled: 1 });
  });
});

describe("a generator", () => {
  test.each([
    ["that throws", "yield a(); throw new RangeError('no more pages');", "no more pages"],
    ["that yields what is no node", "yield a(); yield 7;", "not 7"],
  ])("%s fails the run", async (_, body, message) => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const a = task({ name: "a", run() {} });
      export default pipeline({ name: "p", tasks: function* (): any { ${body} } });
    `);
    const summary = await rig.run(file);
    expect(summary.status).toBe("error");
    expect(summary.failure?.message).toContain(message);
  });

  test("that yields nothing is a run of nothing", async () => {
    await using rig = newRig();
    const file = rig.pipeline(`
      const a = task({ name: "a", run() {} });
      export default pipeline({ name: "p", tasks: function* () {} });
    `);
    expect(await rig.run(file)).toMatchObject({ status: "done", total: 0 });
  });
});

test("both hooks: each event in order, all of them before the summary, which has the last word", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    import { appendFileSync } from "node:fs";
    const tell = (line: string) => appendFileSync("${rig.file("hooks.log")}", line + "\\n");
    const a = task({ name: "a", run: ({ i }: any) => i });
    export default pipeline({ name: "p", secrets: ["HOOK_SECRET"], tasks: () => [1, 2, 3].map((i) => a({ i })),
      async onTaskFinish(event) { await Bun.sleep(1); tell(event.id + " " + event.status); if (event.id === 2) throw new Error("no " + process.env.HOOK_SECRET); },
      async onFinish(summary) { tell(summary.status + " " + summary.done); } });
  `);
  process.env["HOOK_SECRET"] = "swordfish-1";
  const started = await rig.start(file, { workers: 1 });
  await started.end;
  delete process.env["HOOK_SECRET"];
  expect(await Bun.file(rig.file("hooks.log")).text()).toBe("1 done\n2 done\n3 done\ndone 3\n");
  expect(started.output).toEqual(["warn: onTaskFinish failed: no ***"]);
});

test("a run that is told to stop now while its hooks run does not wait for them", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    import { writeFileSync } from "node:fs";
    const a = task({ name: "a", run: () => 1 });
    const onFinish = () => { writeFileSync(${JSON.stringify(rig.file("begun"))}, ""); return new Promise(() => {}); };
    export default pipeline({ name: "p", tasks: () => a(), onFinish });
  `);
  const started = await rig.start(file, { workers: 1 });
  while (!existsSync(rig.file("begun"))) await Bun.sleep(1);
  started.run.stop(false);
  started.run.stop(true);
  expect(await started.end).toMatchObject({ status: "done" });
  expect(started.output.at(-1)).toBe(
    "warn: onFinish was not waited for: the run was told to stop now",
  );
});

test("what hooks do to what they are given changes neither the values nor the summary", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const a = task({ name: "a", run: () => "text" });
    const b = task({ name: "b", run: ({ a }: any) => a });
    const spoil = (given: any) => { for (const key of Object.keys(given)) delete given[key]; };
    export default pipeline({ name: "p", tasks: () => b({ a: a() }), onTaskFinish: spoil, onFinish: spoil });
  `);
  const started = await rig.start(file, { workers: 1 });
  expect(await started.end).toMatchObject({ status: "done", done: 2 });
  expect(started.output).toEqual([]);
  expect(rig.rows("SELECT result FROM task_runs WHERE name = 'b'")).toEqual([{ result: '"text"' }]);
});

test("no task changes what another reads in its ctx, nor does `tasks`", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const tried = (change: () => void) => { try { change(); return "changed"; } catch (error) { return (error as Error).name; } };
    const spoil = task({ name: "spoil", run: (_, ctx: any) => [
      tried(() => { ctx.params.n = 9; }), tried(() => { ctx.params.list.push(9); }), tried(() => { ctx.run.id = 9; }),
    ] });
    const read = task({ name: "read", run: (_, ctx: any) => [ctx.params, ctx.run.id] });
    export default pipeline({ name: "p", params: { n: 1, list: [1] }, tasks({ params }: any) {
      const main = tried(() => { params.n = 9; });
      return [spoil(), read(), ...(main === "TypeError" ? [] : [read()])];
    } });
  `);
  expect(await rig.run(file, { workers: 1 })).toMatchObject({ done: 2 });
  expect(result(rig, "spoil")).toEqual([["TypeError", "TypeError", "TypeError"]]);
  expect(result(rig, "read")).toEqual([[{ n: 1, list: [1] }, 1]]);
});

describe("a run uses the code that it began with", () => {
  test.each([
    ["edited", 'export const version = "new";'],
    ["half saved", "export const version = ("],
  ])(
    "a thread that takes another's place loads a file as it was before it was %s",
    async (_, edited) => {
      await using rig = newRig();
      const { control } = rig;
      rig.write("version.ts", 'export const version = "old";');
      rig.write("data.json", '{ "n": 1 }');
      const file = rig.pipeline(`
      import { version } from "./version.ts";
      import data from "./data.json";
      const leave = task({ name: "leave", async run() { await step("leave"); process.exit(1); } });
      const tell = task({ name: "tell", run: () => [version, data.n] });
      export default pipeline({ name: "p", tasks: () => [leave(), tell()] });
    `);
      const started = await rig.start(file, { workers: 1 });
      const leave = await control.next("leave");
      rig.write("version.ts", edited);
      rig.write("data.json", '{ "n": 2 }');
      leave.finish();
      expect(await started.end).toMatchObject({ done: 1, failed: 1 });
      expect(result(rig, "tell")).toEqual([["old", 1]]);
    },
  );

  test.each(["links/file.ts", "links/folder/pipeline.ts"])("also by a link: %s", async (link) => {
    await using rig = newRig();
    const { control } = rig;
    rig.write("version.ts", 'export const version = "old";');
    const text = `
      import { version } from "./version.ts";
      const leave = task({ name: "leave", async run() { await step("leave"); process.exit(1); } });
      const tell = task({ name: "tell", run: () => [version, "old"] });
      export default pipeline({ name: "p", tasks: () => [leave(), tell()] });
    `;
    rig.pipeline(text);
    mkdirSync(rig.file("links"));
    symlinkSync(rig.file("pipeline.ts"), rig.file("links/file.ts"));
    symlinkSync(rig.path, rig.file("links/folder"), "junction");
    const started = await rig.start(rig.file(link), { workers: 1 });
    const leave = await control.next("leave");
    rig.write("version.ts", 'export const version = "new";');
    rig.pipeline(text.replace("old", "new"));
    leave.finish();
    expect(await started.end).toMatchObject({ done: 1, failed: 1 });
    expect(result(rig, "tell")).toEqual([["old", "old"]]);
  });

  test.each(["part.cjs", "part.js"])(
    "a CommonJS file that was edited (%s) ends the run when another thread is needed",
    async (part) => {
      await using rig = newRig();
      const { control } = rig;
      rig.write(part, 'module.exports = { version: "old" };');
      const file = rig.pipeline(`
        import { version } from "./${part}";
        const leave = task({ name: "leave", async run() { await step("leave"); process.exit(1); } });
        const tell = task({ name: "tell", run: () => version });
        export default pipeline({ name: "p", tasks: () => [leave(), tell()] });
      `);
      const started = await rig.start(file, { workers: 1 });
      const leave = await control.next("leave");
      rig.write(part, 'module.exports = { version: "new" };');
      leave.finish();
      expect((await started.end).failure?.message).toContain(`${part} was edited during the run`);
      expect(result(rig, "tell")).toEqual([null]);
    },
  );

  test("what was done and has another input now is said to stay", async () => {
    await using rig = newRig();
    const { control } = rig;
    const file = rig.pipeline(`
      const down = task({ name: "down", run: () => step("down") });
      const source = task({ name: "source", optional: true, run: (_: unknown) => 5 });
      const read = task({ name: "read", run: (value: any, ctx) => ctx.insert("t", [{ value: String(value) }]) });
      export default pipeline({ name: "p", schema: "CREATE TABLE IF NOT EXISTS t (value)", tasks: () => read(source(down())) });
    `);
    const first = await rig.start(file, { workers: 1 });
    (await control.next("down")).fail("down");
    expect(await first.end).toMatchObject({ status: "error", done: 1, skipped: 1 });
    const again = await rig.start(file, { resume: "last", workers: 1 });
    (await control.next("down")).finish();
    expect(await again.end).toMatchObject({ status: "done", done: 3 });
    expect(again.output).toEqual([
      "warn: tasks that an earlier session of this run had done are not in its plan any more, " +
        "or have another input now: 1 × read; what they have stored stays",
    ]);
  });

  test("one that is continued runs again what has changed, and says so first", async () => {
    await using rig = newRig();
    const { control } = rig;
    const text = `
      const a = task({ name: "a", run: ({ i }: any, ctx) => i === 1 ? RATE : step("stay", i, ctx.signal) });
      export default pipeline({ name: "p", tasks: () => [1, 2].map((i) => a({ i })) });
    `;
    await cancelAt(rig, rig.pipeline(text.replace("RATE", "1")), 1, "stay");
    const again = await rig.start(rig.pipeline(text.replace("RATE", "2")), {
      resume: "last",
      workers: 1,
    });
    (await control.next("stay")).finish();
    expect(await again.end).toMatchObject({ done: 2, alreadyDone: 0 });
    expect(again.events.slice(0, 2)).toMatchObject([
      { type: "run-started", resumed: true, alreadyDone: 0 },
      { type: "run-reruns", tasks: [{ task: "a", reason: "code", isKept: false, count: 1 }] },
    ]);
    expect(rig.rows("SELECT id, result FROM task_runs WHERE id = 1")).toEqual([
      { id: 1, result: "2" },
    ]);
  });
});

test("a run whose tasks read leaves neither -wal nor -shm behind", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const count = task({ name: "count", run: (_, ctx) => ctx.query("SELECT count(*) AS n FROM t") });
    export default pipeline({ name: "p", schema: "CREATE TABLE IF NOT EXISTS t (id)", tasks: () => [count(), count(), count()] });
  `);
  expect(await rig.run(file, { workers: 2 })).toMatchObject({ done: 3 });
  expect(rig.list()).toEqual(["pipeline.ts", "test.db"]);
});

test("a writer that is ended by a message ends the run, and it says how", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const leave = message("leave", () => process.exit(7));
    const send = task({ name: "send", run: (_, ctx) => ctx.emit(leave, null) });
    export default pipeline({ name: "p", messages: [leave], tasks: () => send(),
      onFinish(summary) { console.log("finished", summary.status); } });
  `);
  const started = await rig.start(file);
  const summary = await started.end;
  expect(summary).toMatchObject({ status: "error", failure: { name: "WriterExit" } });
  expect(started.events.at(-1)).toMatchObject({ type: "run-finished", status: "error" });
});

test("fail-fast: the first failure tells what runs, starts nothing more, and fails the run", async () => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(`
    const bad = task({ name: "bad", run: () => step("bad") });
    const soft = task({ name: "soft", optional: true, run() { throw new Error("soft"); } });
    const stay = task({ name: "stay", run: (_, ctx) => step("stay", 0, ctx.signal) });
    export default pipeline({ name: "p", tasks: () => [soft(), stay(), bad(), stay()] });
  `);
  const started = await rig.start(file, { workers: 1, concurrency: 2, failFast: true });
  const stay = await control.next("stay");
  (await control.next("bad")).fail("bad");
  await stay.gone;
  const { status, failed, cancelled, queued } = await started.end;
  // The last one may have been handed out already, when the slot of the failed one became free.
  expect([status, failed, cancelled + queued]).toEqual(["error", 2, 2]);
});

test("a dry run shows the plan, an empty fan-out in it too, and touches nothing", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const setup = task({ name: "setup", run: () => 1 });
    const load = task({ name: "load", retries: 2, run: ({ x }: any) => x });
    export default pipeline({ name: "p", tasks: () => { const s = setup(); return [load({ x: 1 }), each([], () => load({ x: s }))]; } });
  `);
  const { code, out } = await rig.fromSource("run", file, "--dry-run");
  expect(code).toBe(0);
  expect(out).toContain("load");
  expect(rig.list()).toEqual(["pipeline.ts"]);
});

test("webhook: a failed run is posted, with its summary", async () => {
  await using rig = newRig();
  const posted = Promise.withResolvers<{ text: string; summary: { status: string } }>();
  using server = Bun.serve({
    port: 0,
    async fetch(request) {
      posted.resolve((await request.json()) as Awaited<typeof posted.promise>);
      return new Response();
    },
  });
  const file = rig.write(
    "hook.ts",
    `import { pipeline, task, webhook } from "pipeloom";
     const bad = task({ name: "bad", run() { throw new Error("no luck"); } });
     export default pipeline({ name: "p", tasks: () => bad(), onFinish: webhook("${server.url.href}") });`,
  );
  await rig.run(file);
  const { text, summary } = await posted.promise;
  expect(summary).toMatchObject({ status: "error", failed: 1 });
  expect(text.split("\n")).toEqual([
    "pipeloom: p (run 1) failed: 0 of 1 tasks done, 1 failed",
    "bad: no luck",
    `to run what failed again: pipeloom run ${file} --db ${rig.file("test.db")} --rerun failed --resume 1`,
  ]);
});
