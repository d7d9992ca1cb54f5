// What a task has cost, in the file: rows, CPU time, waiting.

import { expect, setDefaultTimeout, test } from "bun:test";

import { newRig } from "../support/rig.ts";

setDefaultTimeout(60_000);

const schema = "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, v)";

test("rows: those of each checkpoint and of the end, of all attempts; not those that were not committed", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => ({ id: from + i }));
    const load = task({ name: "load", retries: { limit: 1, delay: 1 }, async run(_, ctx) {
      if (ctx.attempt === 1) {
        await ctx.upsert("t", rows(0, 10), { key: "id" });
        await ctx.checkpoint(10);
        await ctx.upsert("t", rows(100, 150), { key: "id" });
        throw new Error("once");
      }
      await ctx.upsert("t", rows(10, 13), { key: "id" });
      await ctx.checkpoint(13);
      await ctx.upsert("t", rows(13, 15), { key: "id" });
    } });
    const once = task({ name: "once", run: (_, ctx) => ctx.insert("t", rows(200, 203)) });
    const none = task({ name: "none", run: () => null });
    export default pipeline({ name: "p", schema: "${schema}", tasks: () => [load(), once(), none()] });
  `);
  expect(await rig.run(file)).toMatchObject({ status: "done" });
  expect(rig.rows("SELECT name, rows FROM task_runs ORDER BY name")).toEqual([
    { name: "load", rows: 15 },
    { name: "none", rows: 0 },
    { name: "once", rows: 3 },
  ]);
  // What runs again from its beginning counts again.
  await rig.run(file, { rerun: ["once"] });
  const [again] = rig.rows("SELECT status, rows FROM task_runs WHERE name = 'once'");
  expect(again).toEqual({ status: "error", rows: 0 });
});

test("waiting: from the moment that a task could run until its first attempt begins", async () => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(`
    const first = task({ name: "first", pool: "one", async run() { await step("first"); await Bun.sleep(200); } });
    const second = task({ name: "second", run: (_: { first: unknown }) => null });
    const last = task({ name: "last", pool: "one", run: () => null });
    export default pipeline({ name: "p", pools: { one: { limit: 1 } },
      tasks: () => [second({ first: first() }), last()] });
  `);
  const started = await rig.start(file, { workers: 2 });
  (await control.next("first")).finish();
  expect(await started.end).toMatchObject({ status: "done" });
  const [first, last, second] = rig.rows("SELECT * FROM task_runs ORDER BY name");
  // Its limit was taken for 200 ms.
  expect(Number(last?.["waited_ms"])).toBeGreaterThanOrEqual(200);
  // It could not run before the first one's result was there.
  const ended = Date.parse(String(first?.["finished_at"]));
  const began = Date.parse(String(second?.["started_at"]));
  expect(Number(second?.["waited_ms"])).toBeLessThanOrEqual(began - ended + 2);
  expect(first?.["waited_ms"]).not.toBeNull();
});

test("CPU time: of a busy task much, of one that sleeps little, of one that shares its thread unknown", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    import { sh } from "pipeloom";
    const busy = task({ name: "busy", run() { const end = process.threadCpuUsage().user + 100_000;
      while (process.threadCpuUsage().user < end); } });
    const asleep = task({ name: "asleep", run: () => Bun.sleep(100) });
    const loop = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
    const shell = sh({ name: "shell", command: ["sh", "-c", loop] });
    const beside = task({ name: "beside", run: () => Bun.sleep(50) });
    export default pipeline({ name: "p", params: { which: "" }, tasks: ({ params: { which } }) =>
      which === "alone" ? [busy(), asleep(), shell()] : [beside({ i: 1 }), beside({ i: 2 })] });
  `);
  await rig.run(file, { workers: 1, params: { which: "alone" } });
  const [busy, asleep] = rig.rows("SELECT cpu_ms AS ms FROM task_runs ORDER BY id");
  expect(Number(busy?.["ms"])).toBeGreaterThanOrEqual(100);
  expect(Number(asleep?.["ms"])).toBeLessThan(Number(busy?.["ms"]));
  const [shell] = rig.rows("SELECT cpu_ms AS ms FROM task_runs WHERE name = 'shell'");
  expect(Number(shell?.["ms"])).toBeGreaterThanOrEqual(50);
  await rig.run(file, { workers: 1, concurrency: 2, params: { which: "beside" } });
  expect(rig.rows("SELECT cpu_ms AS ms FROM task_runs WHERE run_id = 2")).toEqual([
    { ms: null },
    { ms: null },
  ]);
});
