// `create: true` with real threads and the compiled executable: retries, checkpoints, two tasks at once, SIGKILL, reuse.

import { expect, setDefaultTimeout, test } from "bun:test";

import { ended, newRig, type Rig } from "../support/rig.ts";

setDefaultTimeout(60_000);

const run = (rig: Rig, ...flags: readonly string[]) =>
  rig.spawn("run", "pipeline.ts", "--db", "test.db", ...flags);

const columns = (rig: Rig): unknown[] =>
  rig
    .rows("SELECT name || ' ' || type AS c FROM pragma_table_info('t') ORDER BY name")
    .map(({ c }) => c);

test("the table of a failed attempt is gone with its rows; a checkpoint keeps it", async () => {
  await using rig = newRig();
  rig.pipeline(`
    const load = task({ name: "load", retries: { limit: 2, delay: 0 }, async run(_: void, ctx) {
      if (ctx.attempt === 1) {
        await ctx.upsert("t", [{ id: "x", wrong: 1 }], { key: "id", create: true });
        throw new Error("once more");
      }
      if (ctx.attempt === 2) {
        await ctx.upsert("t", [{ id: 1 }], { key: "id", create: true });
        await ctx.checkpoint("half");
        const seen = ctx.query("SELECT * FROM t");
        await ctx.upsert("t", [{ id: 2, wrong: 1 }], { key: "id", create: true });
        throw new Error(JSON.stringify(seen));
      }
      async function* more() { yield { id: 3, v: 1.5 }; yield { id: 4, v: 2 }; }
      await ctx.upsert("t", more(), { key: "id", create: true });
      return ctx.query("SELECT * FROM t").length;
    } });
    export default pipeline({ name: "p", tasks: () => load() });
  `);
  expect(await ended(run(rig))).toMatchObject({ code: 0 });
  expect(rig.rows("SELECT * FROM t")).toEqual([
    { id: 1, v: null },
    { id: 3, v: 1.5 },
    { id: 4, v: 2 },
  ]);
  expect(columns(rig)).toEqual(["id INTEGER", "v REAL"]);
});

test("two tasks make one table at once, and columns of their own", async () => {
  await using rig = newRig();
  void rig.control;
  rig.pipeline(`
    const load = task({ name: "load", async run({ i }: { i: number }, ctx) {
      const before = ctx.query("SELECT count(*) AS n FROM pragma_table_info('t')");
      await step("go", i);
      await ctx.upsert("t", [{ id: i, ["c" + (i % 3)]: i }], { key: "id", create: true });
    } });
    export default pipeline({ name: "p", tasks: () => Array.from({ length: 12 }, (_, i) => load({ i })) });
  `);
  const child = run(rig, "-w", "2", "-c", "12");
  const calls = await Promise.all(Array.from({ length: 12 }, () => rig.control.next("go")));
  for (const call of calls) call.finish();
  expect(await ended(child)).toMatchObject({ code: 0 });
  expect(columns(rig)).toEqual(["c0 INTEGER", "c1 INTEGER", "c2 INTEGER", "id INTEGER"]);
  const rows = rig.rows("SELECT id, coalesce(c0, c1, c2) AS c FROM t ORDER BY id");
  expect(rows).toEqual(Array.from({ length: 12 }, (_, i) => ({ id: i, c: i })));
});

test("a task that has seen the table sees the column that another adds", async () => {
  await using rig = newRig();
  rig.pipeline(`
    const add = task({ name: "add", async run({ i }: { i: number }, ctx) {
      await ctx.upsert("t", [{ id: 1, ["c" + i]: i }], { key: "id", create: true });
      await ctx.checkpoint();
      return ctx.query("SELECT * FROM t");
    } });
    export default pipeline({ name: "p", tasks: () => {
      const first = add({ i: 0 });
      const second = add({ i: 1 }, { after: [first] });
      return add({ i: 2 }, { after: [second] });
    } });
  `);
  expect(await ended(run(rig, "-w", "1"))).toMatchObject({ code: 0 });
  expect(rig.rows("SELECT result FROM task_runs ORDER BY id DESC LIMIT 1")).toEqual([
    { result: '[{"id":1,"c0":0,"c1":1,"c2":2}]' },
  ]);
});

test("a value that the column would change fails its task, says where, and leaves the rest", async () => {
  await using rig = newRig();
  rig.pipeline(`
    const load = task({ name: "load", async run({ zip }: { zip: string | number }, ctx) {
      await ctx.insert("t", [{ zip }], { create: true });
    } });
    export default pipeline({ name: "p", tasks: () => {
      const first = load({ zip: "01234" });
      return load({ zip: 4103 }, { after: [first] });
    } });
  `);
  const { code, err } = await ended(run(rig));
  expect(code).toBe(1);
  expect(err).toContain(
    'insert into "t": "zip" of rows[0] is 4103, and the column is TEXT, which would store it as text; give all rows',
  );
  expect(rig.rows("SELECT * FROM t")).toEqual([{ zip: "01234" }]);
});

test.if(process.platform !== "win32")(
  "killed with a table half loaded, the next run leaves that of an undisturbed one",
  async () => {
    await using rig = newRig();
    void rig.control;
    rig.pipeline(`
      const load = task({ name: "load", async run({ i }: { i: number }, ctx) {
        const at = (ctx.cursor ?? 0) as number;
        for (let n = at; n < 3; n++) {
          await ctx.insert("t", [{ task: i, n, ["c" + n]: n / 2 }], { create: true });
          await step("go", [i, n]);
          await ctx.checkpoint(n + 1);
        }
      } });
      export default pipeline({ name: "p", tasks: () => [load({ i: 0 }), load({ i: 1 })] });
    `);
    const first = run(rig, "-w", "2");
    const calls = [await rig.control.next("go"), await rig.control.next("go")];
    calls[0]?.finish();
    const third = await rig.control.next("go");
    first.kill("SIGKILL");
    await first.exited;
    expect(rig.rows("SELECT count(*) AS n FROM t")).toEqual([{ n: 1 }]);
    for (const call of [calls[1], third]) call?.finish();
    const second = run(rig, "-w", "2");
    for (let left = 5; left > 0; left--) (await rig.control.next("go")).finish();
    expect(await ended(second)).toMatchObject({ code: 0 });
    expect(rig.rows("SELECT task, n, coalesce(c0, c1, c2) AS c FROM t ORDER BY task, n")).toEqual(
      [0, 1].flatMap((task) => [0, 1, 2].map((n) => ({ task, n, c: n / 2 }))),
    );
  },
);

test("reuse: a table that the task has made does not end its reuse, another's rows do", async () => {
  await using rig = newRig();
  rig.pipeline(`
    const load = task({ name: "load", reuse: true, async run({ i }: { i: number }, ctx) {
      await ctx.upsert("t", [{ id: i, ["c" + i]: 1 }], { key: "id", create: true });
    } });
    const other = task({ name: "other", async run({ on }: { on: boolean }, ctx) {
      if (on) await ctx.upsert("t", [{ id: 9, more: 1 }], { key: "id", create: true });
    } });
    export default pipeline({ name: "p", params: { on: false }, tasks: ({ params }) => {
      const loads = [1, 2].map((i) => load({ i }));
      return other({ on: params.on }, { after: loads });
    } });
  `);
  const reused = (): unknown =>
    rig.rows(
      "SELECT count(*) AS n FROM task_runs WHERE name = 'load' AND run_id = (SELECT max(id) FROM pipeline_runs) AND reason LIKE '%reused%'",
    )[0]?.["n"];
  expect((await ended(run(rig))).code).toBe(0);
  expect((await ended(run(rig))).code).toBe(0);
  expect(reused()).toBe(2);
  expect((await ended(run(rig, "--param", "on=true"))).code).toBe(0);
  expect(reused()).toBe(2);
  expect((await ended(run(rig, "--fresh"))).code).toBe(0);
  expect(reused()).toBe(0);
});
