// `ctx.state` with real threads and the compiled executable: runs, retries, checkpoints, SIGKILL, prune.

import { expect, setDefaultTimeout, test } from "bun:test";

import { ended, newRig, type Rig } from "../support/rig.ts";

setDefaultTimeout(60_000);

const run = (rig: Rig, ...flags: readonly string[]) =>
  rig.spawn("run", "pipeline.ts", "--db", "test.db", ...flags);

const state = (rig: Rig): unknown[] =>
  rig.rows("SELECT pipeline, key, value, run_id FROM pipeloom_state ORDER BY pipeline, key");

test("a later run goes on where the last one stopped, and prune leaves that", async () => {
  await using rig = newRig();
  rig.pipeline(`
    const load = task({ name: "load", async run(_: void, ctx) {
      const last = (await ctx.state.get<number>("last")) ?? 0;
      await ctx.insert("t", [{ from_: last }], { create: true });
      await ctx.state.set("last", last + 10);
      await ctx.state.set("deep", { list: [1, null, "x"] });
      return [await ctx.state.get("last"), await ctx.state.get("none") ?? "nothing"];
    } });
    const look = task({ name: "look", async run(_: void, { state: { get } }) {
      return [await get("last"), await get("deep")];
    } });
    export default pipeline({ name: "p", tasks: () => look(undefined, { after: [load()] }) });
  `);
  for (const [id, last] of [
    [1, 10],
    [2, 20],
    [3, 30],
  ] as const) {
    expect(await ended(run(rig))).toMatchObject({ code: 0 });
    expect(state(rig)).toEqual([
      { pipeline: "p", key: "deep", value: '{"list":[1,null,"x"]}', run_id: id },
      { pipeline: "p", key: "last", value: String(last), run_id: id },
    ]);
    expect(rig.rows(`SELECT result FROM task_runs WHERE run_id = ${id} ORDER BY id`)).toEqual([
      { result: `[${last},"nothing"]` },
      { result: `[${last},{"list":[1,null,"x"]}]` },
    ]);
  }
  expect(rig.rows("SELECT from_ FROM t")).toEqual([{ from_: 0 }, { from_: 10 }, { from_: 20 }]);
  const prune = ["prune", "--db", "test.db", "--keep-runs", "1", "--vacuum"];
  expect((await rig.pipeloom(...prune)).code).toBe(0);
  expect(rig.rows("SELECT id FROM pipeline_runs")).toEqual([{ id: 3 }]);
  expect(state(rig)).toHaveLength(2);
});

test("what a failed attempt has set is gone; what a checkpoint has set, a retry sees", async () => {
  await using rig = newRig();
  rig.pipeline(`
    const load = task({ name: "load", retries: { limit: 1, delay: 0 }, async run(_: void, ctx) {
      const before = await ctx.state.get("at");
      if (ctx.attempt === 2) return [before, ctx.cursor];
      await ctx.state.set("at", 1);
      await ctx.checkpoint("c");
      await ctx.state.set("at", 2);
      throw new Error(String(await ctx.state.get("at")));
    } });
    export default pipeline({ name: "p", tasks: () => load() });
  `);
  expect(await ended(run(rig))).toMatchObject({ code: 0 });
  expect(rig.rows("SELECT result FROM task_runs")).toEqual([{ result: '[1,"c"]' }]);
  expect(rig.rows("SELECT error FROM task_attempts")[0]?.["error"]).toContain('"message":"2"');
  expect(state(rig)).toEqual([{ pipeline: "p", key: "at", value: "1", run_id: 1 }]);
});

test("each pipeline has its own", async () => {
  await using rig = newRig();
  for (const name of ["a", "b"]) {
    rig.pipeline(`
      const count = task({ name: "count", async run(_: void, ctx) {
        await ctx.state.set("n", ((await ctx.state.get<number>("n")) ?? 0) + 1);
      } });
      export default pipeline({ name: "${name}", tasks: () => count() });
    `);
    expect((await ended(run(rig))).code).toBe(0);
  }
  expect(rig.rows("SELECT pipeline, value FROM pipeloom_state")).toEqual([
    { pipeline: "a", value: "1" },
    { pipeline: "b", value: "1" },
  ]);
});

test.each([
  ['set("k", undefined)', 'ctx.state.set: the value of "k" is undefined'],
  ['set("k", { at: new Date() })', 'state "k": value.at is a Date; values must be JSON'],
  ['set("", 1)', "ctx.state.set: the key is empty; pass a string"],
  ['set("a\\0", 1)', "ctx.state.set: the key is a string with a NUL"],
  ["get(5 as never)", "ctx.state.get: the key is a number"],
  ['set("k", [process.env["TOKEN"]])', "value[0] holds the value of the secret TOKEN"],
])("%s is an error that says what", async (call, message) => {
  await using rig = newRig();
  rig.pipeline(`
    process.env["TOKEN"] = "a-long-secret-value";
    const t = task({ name: "t", async run(_: void, ctx) { await ctx.state.${call}; } });
    export default pipeline({ name: "p", secrets: ["TOKEN"], tasks: () => t() });
  `);
  const { code, err } = await ended(run(rig));
  expect(code).toBe(1);
  expect(err).toContain(message);
  expect(state(rig)).toEqual([]);
});

test("without pipeloom's tables, both calls say why they cannot work", async () => {
  await using rig = newRig();
  rig.pipeline(`
    const get = task({ name: "get", async run(_: void, ctx) { await ctx.state.get("k"); } });
    const set = task({ name: "set", async run(_: void, ctx) { await ctx.state.set("k", 1); } });
    export default pipeline({ name: "p", tasks: () => [get(), set()] });
  `);
  const { code, err } = await ended(run(rig, "--no-store-task-status"));
  expect(code).toBe(1);
  for (const call of ["get", "set"]) {
    expect(err).toContain(
      `ctx.state.${call}: this run stores nothing about itself (--no-store-task-status)`,
    );
  }
});

test("a task that uses the state is not reused, and why says so", async () => {
  await using rig = newRig();
  rig.pipeline(`
    const t = task({ name: "t", reuse: true, async run(_: void, ctx) { await ctx.state.set("k", 1); } });
    export default pipeline({ name: "p", tasks: () => t() });
  `);
  for (let i = 0; i < 2; i++) expect((await ended(run(rig))).code).toBe(0);
  expect((await rig.pipeloom("why", "t", "--db", "test.db")).out).toContain(
    "it uses what earlier runs keep (ctx.state)",
  );
});

test.if(process.platform !== "win32")(
  "killed between two checkpoints, position and rows agree, and the next run does the rest once",
  async () => {
    await using rig = newRig();
    void rig.control;
    rig.pipeline(`
      const load = task({ name: "load", async run(_: void, ctx) {
        for (;;) {
          const at = (await ctx.state.get<number>("at")) ?? 0;
          if (at === 4) return at;
          await ctx.insert("t", [{ at }], { create: true });
          await ctx.state.set("at", at + 1);
          await step("go", at);
          await ctx.checkpoint();
        }
      } });
      export default pipeline({ name: "p", tasks: () => load() });
    `);
    const first = run(rig);
    for (let at = 0; at < 2; at++) (await rig.control.next("go")).finish();
    const third = await rig.control.next("go");
    first.kill("SIGKILL");
    await first.exited;
    third.finish();
    expect(state(rig)).toEqual([{ pipeline: "p", key: "at", value: "2", run_id: 1 }]);
    expect(rig.rows("SELECT at FROM t")).toEqual([{ at: 0 }, { at: 1 }]);
    const second = run(rig);
    for (let at = 2; at < 4; at++) (await rig.control.next("go")).finish();
    expect(await ended(second)).toMatchObject({ code: 0 });
    expect(rig.rows("SELECT at FROM t").map(({ at }) => at)).toEqual([0, 1, 2, 3]);
    expect(state(rig)).toEqual([{ pipeline: "p", key: "at", value: "4", run_id: 1 }]);
  },
);
