// Results of earlier runs: when they are taken, and when tasks with rows run again. With real threads and a file.

import { Database } from "bun:sqlite";
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";

import { newRig, type Rig } from "../support/rig.ts";

// Several runs with threads of their own, on a slow machine.
setDefaultTimeout(60_000);

/** `only` names the tasks that a run plans. What `load` does is upserts; the run number makes other results differ. */
const pipeline = `
const load = task({ name: "load", reuse: true, async run({ day }: any, ctx) {
  await ctx.upsert("orders", [{ day, x: day }], { key: "day" });
  return "run " + ctx.run.id;
} });
const add = task({ name: "add", reuse: true, run: ({ n }: any, ctx) => ctx.insert("log", [{ n }]) });
const fix = task({ name: "fix", run: (_: any, ctx) => ctx.upsert("orders", [{ day: 1, x: 100 }], { key: "day" }) });
const trigger = task({ name: "trigger", run: (_: any, ctx) => ctx.insert("noted", [{ n: 1 }]) });
const cleared = message("cleared", (db) => { db.run("DELETE FROM orders WHERE day > 2"); });
const clear = task({ name: "clear", reuse: true, run: (_: any, ctx) => ctx.emit(cleared, null) });
const count = task({ name: "count", reuse: true, run: (_: any, ctx) => ctx.query("SELECT count(*) AS n FROM orders") });
const pure = task({ name: "pure", reuse: "1h", run: ({ n }: any, ctx) => n + ctx.run.id * 0 });
const long = task({ name: "long", reuse: true, run: ({ n }: any) => String(n).repeat(5000) });
const huge = task({ name: "huge", reuse: true, run: ({ n }: any) => String(n % 10).repeat(1_000_000) });
const read = task({ name: "read", run: ({ text }: any) => text.length });
const makers: any = {
  load: () => [1, 2, 3].map((day) => load({ day })),
  twice: () => [pure({ n: 1 }), pure({ n: 1 })],
  thrice: () => [pure({ n: 1 }), pure({ n: 1 }), pure({ n: 1 })],
  add: () => add({ n: 1 }), fix: () => fix(), trigger: () => trigger(), clear: () => clear(), count: () => count(),
  pure: () => pure({ n: 1 }),
  fixed: () => { const after = makers.load(); return [...after, fix(undefined, { after })]; },
  big: () => Array.from({ length: 12 }, (_, n) => read({ text: huge({ n }) })),
  long: () => read({ text: long({ n: 7 }) }),
  many: () => each(Array.from({ length: 3000 }, (_, i) => i), (n) => pure({ n })),
};
export default pipeline({ name: "p", params: { only: "load" }, messages: [cleared],
  schema: \`CREATE TABLE IF NOT EXISTS orders (day INTEGER PRIMARY KEY, x); CREATE TABLE IF NOT EXISTS log (n);
    CREATE TABLE IF NOT EXISTS noted (n);
    CREATE TRIGGER IF NOT EXISTS on_noted AFTER INSERT ON noted BEGIN UPDATE orders SET x = 0 WHERE day = 2; END;\`,
  tasks: ({ params }) => params.only.split(" ").flatMap((name) => makers[name]()) });
`;

class Reusing implements AsyncDisposable {
  readonly rig: Rig = newRig();
  readonly file = this.rig.pipeline(pipeline);

  /** The reasons of the run's tasks, by name; undefined where there is none. */
  async run(only: string, more: object = {}): Promise<Record<string, unknown>> {
    const { run, status } = await this.rig.run(this.file, { params: { only }, ...more });
    expect(status).toBe("done");
    return this.reasons(run);
  }

  reasons(run: number): Record<string, unknown> {
    const rows = this.rig.rows(`SELECT name, reason FROM task_runs WHERE run_id = ${run}`);
    return Object.fromEntries(rows.map(({ name, reason }) => [name, reason ?? "ran"]));
  }

  write(sql: string): void {
    using db = new Database(this.rig.file("test.db"));
    db.run("PRAGMA busy_timeout = 30000");
    db.run(sql);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.rig[Symbol.asyncDispose]();
  }
}

describe("a result with rows", () => {
  test("is taken while nothing else has written to the table; the rows stay", async () => {
    await using p = new Reusing();
    await p.run("load");
    expect(await p.run("load")).toEqual({ load: "reused from run 1" });
    // The origin is named, also where the last run has only taken it.
    expect(await p.run("load add")).toEqual({ load: "reused from run 1", add: "ran" });
    expect(await p.run("load add")).toEqual({
      load: "reused from run 1",
      add: "reused from run 3",
    });
    expect(p.rig.rows("SELECT day, x FROM orders")).toHaveLength(3);
    expect(p.rig.rows("SELECT * FROM log")).toHaveLength(1);
    expect(p.rig.rows("SELECT result FROM task_runs WHERE run_id = 4 AND name = 'load'")).toEqual(
      Array.from({ length: 3 }, () => ({ result: '"run 1"' })),
    );
  });

  test.each([
    ["another task", "fix", '"orders" was written since by fix of run 2'],
    [
      "a trigger of another task's table",
      "trigger",
      '"orders" was written since by trigger of run 2',
    ],
    ["a message", "clear", '"orders" was written since by clear of run 2'],
  ])("is not taken after %s has written to it", async (_, other, why) => {
    await using p = new Reusing();
    await p.run("load");
    await p.run(other);
    const reason = `the result of run 1 is not taken: ${why}`;
    expect(await p.run("load")).toEqual({ load: reason });
    expect(p.rig.rows("SELECT day, x FROM orders ORDER BY day")).toEqual([
      { day: 1, x: 1 },
      { day: 2, x: 2 },
      { day: 3, x: 3 },
    ]);
    expect(await p.run("load")).toEqual({ load: "reused from run 3" });
  });

  test("is not taken after another task of its own run has written to the table", async () => {
    await using p = new Reusing();
    await p.run("fixed");
    expect(await p.run("load")).toEqual({
      load: 'the result of run 1 is not taken: "orders" was written since by fix of run 1',
    });
  });

  test.each([
    ["a row more", "INSERT INTO orders VALUES (9, 9)"],
    ["a row less", "DELETE FROM orders WHERE day = 3"],
    ["no table", "DROP TABLE orders"],
  ])("is not taken after another program has left %s", async (_, sql) => {
    await using p = new Reusing();
    await p.run("load");
    p.write(sql);
    expect(await p.run("load")).toEqual({
      load: 'the result of run 1 is not taken: "orders" was written since by another program, or it is not known',
    });
  });

  test("is not taken after another program has written while a run went on", async () => {
    await using p = new Reusing();
    await p.run("load");
    const { control } = p.rig;
    const other = p.rig.pipeline(
      `const wait = task({ name: "wait", run: () => step("in") });
       const last = task({ name: "last", run: (_: any, ctx) => ctx.upsert("more", [{ n: 1 }], { key: "n" }) });
       export default pipeline({ name: "q", schema: "CREATE TABLE IF NOT EXISTS more (n PRIMARY KEY)", tasks: () => last({ x: wait() }) });`,
      "other.ts",
    );
    const started = await p.rig.start(other);
    const step = await control.next("in");
    p.write("UPDATE orders SET x = 5 WHERE day = 2");
    step.finish();
    await started.end;
    expect(await p.run("load")).toEqual({
      load: 'the result of run 1 is not taken: "orders" was written since by another program, or it is not known',
    });
  });
});

describe("a result", () => {
  test("of a task that emitted messages is not taken", async () => {
    await using p = new Reusing();
    await p.run("clear");
    expect(await p.run("clear")).toEqual({
      clear: "the result of run 1 is not taken: it emitted messages",
    });
  });

  test("of a task that read the database is not taken", async () => {
    await using p = new Reusing();
    await p.run("count");
    expect(await p.run("count")).toEqual({
      count: "the result of run 1 is not taken: it reads the database (ctx.query)",
    });
  });

  test("that is too old is not taken, and its age is that of the run that made it", async () => {
    await using p = new Reusing();
    await p.run("pure");
    expect(await p.run("pure")).toEqual({ pure: "reused from run 1" });
    p.write("UPDATE pipeloom_reusable SET ended_at = ended_at - 3700000");
    expect(await p.run("pure")).toEqual({
      pure: "the result of run 1 is not taken: it is older than 1 h",
    });
    expect(await p.run("pure")).toEqual({ pure: "reused from run 3" });
  });

  test.each([
    ["cut", "UPDATE task_runs SET result = substr(result, 1, 10)"],
    ["of another length", "UPDATE task_runs SET result = '\"x\"'"],
    ["gone", "DELETE FROM task_runs"],
    ["a blob", "UPDATE task_runs SET result = CAST(result AS BLOB)"],
  ])("that is %s is not taken", async (_, sql) => {
    await using p = new Reusing();
    await p.run("long");
    p.write(sql);
    expect(await p.run("long")).toEqual({
      long: "the result of run 1 is not taken: it is gone or damaged",
      read: "ran",
    });
  });

  test("that is long is read by the next task", async () => {
    await using p = new Reusing();
    await p.run("long");
    expect(await p.run("long")).toEqual({ long: "reused from run 1", read: "ran" });
    expect(p.rig.rows("SELECT result FROM task_runs WHERE name = 'read' AND run_id = 2")).toEqual([
      { result: "5000" },
    ]);
  });

  test("of tasks whose results do not fit into memory at once is taken, some at a time", async () => {
    await using p = new Reusing();
    await p.run("big");
    const again = await p.rig.run(p.file, { params: { only: "big" } });
    expect(again).toMatchObject({ reused: 12, done: 24 });
    expect(
      p.rig.rows("SELECT sum(result) AS chars FROM task_runs WHERE run_id = 2 AND name = 'read'"),
    ).toEqual([{ chars: 12_000_000 }]);
  });

  test("serves one task of each run: equal calls have their own", async () => {
    await using p = new Reusing();
    await p.run("twice");
    const third = await p.rig.run(p.file, { params: { only: "thrice" } });
    expect(third).toMatchObject({ done: 3, reused: 2 });
    expect((await p.rig.run(p.file, { params: { only: "thrice" } })).reused).toBe(3);
  });

  test("of each of thousands is taken, and the run counts them", async () => {
    await using p = new Reusing();
    await p.rig.run(p.file, { params: { only: "many" } });
    const started = await p.rig.start(p.file, { params: { only: "many" } });
    expect(await started.end).toMatchObject({ done: 3000, reused: 3000, total: 3000 });
    const finished = started.events.filter(({ type }) => type === "task-finished");
    expect(finished).toHaveLength(3000);
    expect(finished[0]).toMatchObject({ reason: "reused from run 1", startedAt: null, attempt: 0 });
    expect(started.events.some(({ type }) => type === "task-started")).toBeFalse();
  }, 30_000);

  test("of a pruned run is not taken, but that of the run that took it is", async () => {
    await using p = new Reusing();
    await p.run("load");
    await p.run("load");
    const pruned = await p.rig.fromSource("prune", "--db", "test.db", "--keep-runs", "1");
    expect(pruned.code).toBe(0);
    expect(p.rig.rows("SELECT id FROM pipeline_runs")).toEqual([{ id: 2 }]);
    expect(await p.run("load")).toEqual({ load: "reused from run 1" });
  });

  test("is taken with no states only where there are some", async () => {
    await using p = new Reusing();
    await p.run("pure");
    const summary = await p.rig.run(p.file, { params: { only: "pure" }, storeTaskStatus: false });
    expect(summary).toMatchObject({ done: 1, reused: 0 });
  });
});

test("a run that is continued keeps what it has taken, and takes the rest", async () => {
  await using p = new Reusing();
  const { control } = p.rig;
  const file = p.rig.pipeline(
    `const load = task({ name: "load", reuse: true, run: ({ n }: any, ctx) => n + 0 * ctx.run.id });
     const stop = task({ name: "stop", run: async ({ xs }: any, ctx) => { await step("stop"); if (ctx.run.id === 2) throw new Error("planned"); return xs; } });
     export default pipeline({ name: "c", params: { n: 2 }, tasks: ({ params }) => stop({ xs: Array.from({ length: params.n }, (_, n) => load({ n })) }) });`,
    "continued.ts",
  );
  const go = async (options: object) => {
    const started = await p.rig.start(file, options);
    const step = await control.next("stop");
    step.finish();
    return started.end;
  };
  await go({});
  expect(await go({})).toMatchObject({ status: "error", reused: 2 });
  expect(await go({ resume: "last" })).toMatchObject({ run: 2, reused: 0, alreadyDone: 2 });
  expect(p.reasons(2)["load"]).toBe("reused from run 1");
});

const reads = (write: string): string => `
  const at = (ctx: any, name: string) => Bun.file(ctx.params.folder + "/" + name);
  const load = task({ name: "load", reuse: true, files: ["rates*.csv"], env: ["RATES_REGION"], async run({ n }: any, ctx) {
    ${write}
    return (await at(ctx, "rates.csv").text()) + process.env["RATES_REGION"] + n;
  } });
  const plain = task({ name: "plain", run: () => 1 });
  const stop = task({ name: "stop", async run({ xs }: any, ctx) { if (await at(ctx, "fails").exists()) throw new Error("planned"); } });
  export default pipeline({ name: "c", schema: "CREATE TABLE IF NOT EXISTS t (n)", params: { folder: "" },
    tasks: () => [plain(), stop({ xs: [1, 2].map((n) => load({ n })) })] });`;

const results = (p: Reusing): unknown[] =>
  p.rig
    .rows("SELECT result FROM task_runs WHERE name = 'load' ORDER BY id")
    .map((row) => row["result"]);

const died = async (p: Reusing, write = "") => {
  const file = p.rig.pipeline(reads(write), "declared.ts");
  const folder = p.rig.file(".");
  await Bun.write(p.rig.file("rates.csv"), "1 ");
  await Bun.write(p.rig.file("fails"), "");
  process.env["RATES_REGION"] = "eu";
  expect(await p.rig.run(file, { params: { folder } })).toMatchObject({ done: 3, failed: 1 });
  await Bun.file(p.rig.file("fails")).delete();
  return (more: object = {}) => p.rig.start(file, { params: { folder }, resume: "last", ...more });
};
describe("a run that is continued", () => {
  afterEach(() => {
    delete process.env["RATES_REGION"];
  });

  test.each<[string, (p: Reusing) => unknown, string]>([
    ["a file", (p) => Bun.write(p.rig.file("rates.csv"), "2 "), "2 eu"],
    ["a file that a pattern matches now", (p) => Bun.write(p.rig.file("rates2.csv"), ""), "1 eu"],
    ["a variable", () => (process.env["RATES_REGION"] = "us"), "1 us"],
  ])("runs a task again if what it declares has changed: %s", async (_, change, result) => {
    await using p = new Reusing();
    const go = await died(p);
    await change(p);
    const again = await go();
    expect(await again.end).toMatchObject({ run: 1, status: "done", alreadyDone: 1 });
    expect(again.events).toContainEqual(
      expect.objectContaining({
        type: "run-reruns",
        tasks: [{ task: "load", reason: "declared", isKept: false, count: 2 }],
      }),
    );
    expect(results(p)).toEqual([`"${result}1"`, `"${result}2"`]);
    expect(p.reasons(1)["load"]).toContain("a file or a variable that it declares had changed");
  });

  test("keeps it where nothing has changed, and as asked", async () => {
    await using p = new Reusing();
    const go = await died(p);
    expect(await (await go()).end).toMatchObject({ run: 1, status: "done", alreadyDone: 3 });
    await using other = new Reusing();
    const goOther = await died(other);
    await Bun.write(other.rig.file("rates.csv"), "2 ");
    const again = await goOther({ keep: ["load"] });
    expect(await again.end).toMatchObject({ status: "done", alreadyDone: 3 });
    expect(again.events).toContainEqual(
      expect.objectContaining({
        tasks: [{ task: "load", reason: "declared", isKept: true, count: 2 }],
      }),
    );
  });

  test.each([{ rerun: ["load"] }, { rerun: ["load"], downstream: true }])(
    "a task that was not in the plan when it was to run again does not keep its result: %j",
    async (asks) => {
      await using p = new Reusing();
      const { rig } = p;
      const file = rig.pipeline(`
        const at = (ctx: any, name: string) => Bun.file(ctx.params.folder + "/" + name);
        const load = task({ name: "load", reuse: true, files: ["rates.csv"], run: async ({ n }: any, ctx) => (await at(ctx, "rates.csv").text()) + n });
        const list = task({ name: "list", run: async (_, ctx) => (await at(ctx, "days.json").json()) as string[] });
        const other = task({ name: "other", run: () => 1 });
        export default pipeline({ name: "c", params: { folder: "" }, tasks: () => [other(), each(list(), (n) => load({ n }))] });`);
      const go = async (days: string, rates: string, more: object) => {
        await Bun.write(rig.file("days.json"), days);
        await Bun.write(rig.file("rates.csv"), rates);
        expect(await rig.run(file, { params: { folder: rig.file(".") }, ...more })).toMatchObject({
          status: "done",
          run: 1,
        });
      };
      await go('["a","b"]', "1", {});
      await go('["a"]', "2", { ...asks, rerun: [...asks.rerun, "list"] });
      await go('["a","b"]', "2", { rerun: ["list"] });
      expect(new Set(results(p))).toEqual(new Set(['"2a"', '"2b"']));
    },
  );

  test("runs nothing where it would insert a second time", async () => {
    await using p = new Reusing();
    const go = await died(p, 'await ctx.insert("t", [{ n }]);');
    await Bun.write(p.rig.file("rates.csv"), "2 ");
    expect((await go()).end).rejects.toThrow(
      "the code of load, or a file or variable that it declares, has changed since run 1",
    );
  });
});

test("a pipeline without reuse writes nothing for it", async () => {
  await using rig = newRig();
  const file = rig.pipeline(
    `const load = task({ name: "load", run: (_: any, ctx) => ctx.insert("t", [{ n: 1 }]) });
     export default pipeline({ name: "p", schema: "CREATE TABLE IF NOT EXISTS t (n)", tasks: () => load() });`,
  );
  expect(await rig.run(file)).toMatchObject({ done: 1, reused: 0 });
  for (const table of ["pipeloom_tables", "pipeloom_reusable"]) {
    expect(rig.rows(`SELECT * FROM ${table}`)).toEqual([]);
  }
});
