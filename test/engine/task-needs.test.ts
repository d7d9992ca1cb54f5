// What a task has waited for and which worker has run it, in the file.

import { expect, setDefaultTimeout, test } from "bun:test";

import { newRig } from "../support/rig.ts";

setDefaultTimeout(60_000);

const tasks = `
  const list = task({ name: "list", run: () => [1, 2] });
  const load = task({ name: "load", run: ({ n }: { n: number }) => n });
  const check = task({ name: "check", run: () => null });
  const fail = task({ name: "fail", run: () => { throw new Error("always"); } });
  const sum = task({ name: "sum", run: (_: { all: unknown; more: unknown[] }) => null });
  const after = task({ name: "after", run: (_: { x: unknown }) => null });`;

test("ids of tasks, fan-outs, and what is only waited for; also of a task that is skipped", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`${tasks}
    export default pipeline({ name: "p", tasks: () => {
      const more = [load({ n: 7 }), load({ n: 8 })];
      const all = each(list(), (n) => load({ n }));
      return [after({ x: fail() }, { after: [check()] }), sum({ all, more }, { after: [check()] })];
    } });
  `);
  expect(await rig.run(file, { workers: 1 })).toMatchObject({ status: "error" });
  const rows = rig.rows("SELECT id, name, needs, key FROM task_runs ORDER BY id");
  const idsOf = (wanted: string): unknown[] =>
    rows.filter(({ name }) => name === wanted).map(({ id }) => id);
  const needsOf = (wanted: string): unknown => rows.find(({ name }) => name === wanted)?.["needs"];
  const [graph] = rig.rows("SELECT graph FROM pipeline_runs");
  const { nodes } = JSON.parse(String(graph?.["graph"])) as {
    nodes: { id: string; kind: string }[];
  };
  const fanOut = nodes.find(({ kind }) => kind === "each")?.id;
  const more = rig
    .rows("SELECT id FROM task_runs WHERE name = 'load' AND result IN ('7', '8') ORDER BY id")
    .map(({ id }) => Number(id));
  const [first = 0, last = 0] = more;
  const loads = last === first + 1 ? `${first}-${last}` : `${first},${last}`;
  const checks = idsOf("check");
  expect(needsOf("after")).toBe(`${String(idsOf("fail")[0])};${String(checks[0])}`);
  expect(needsOf("sum")).toBe(`${loads},${fanOut};${String(checks[1])}`);
  expect(["list", "load", "check", "fail"].map(needsOf)).toEqual([null, null, null, null]);
});

test("the worker of a task that is not over at once, and of one that fails; it stays when it ends", async () => {
  await using rig = newRig();
  const { control } = rig;
  const file = rig.pipeline(`
    const slow = task({ name: "slow", async run() { await step("slow"); return 1; } });
    const fail = task({ name: "fail", run: () => { throw new Error("always"); } });
    export default pipeline({ name: "p", tasks: () => [slow(), fail()] });
  `);
  const started = await rig.start(file, { workers: 2 });
  const workers = (): unknown => rig.rows("SELECT name, worker FROM task_runs ORDER BY name");
  const slow = await control.next("slow");
  const isStored = (): boolean =>
    rig.rows("SELECT 1 FROM task_runs WHERE name = 'slow' AND status = 'running'").length > 0;
  while (!isStored()) await Bun.sleep(1);
  const before = rig.rows("SELECT worker FROM task_runs WHERE name = 'slow'")[0]?.["worker"];
  expect(before).toBeNumber();
  slow.finish();
  await started.end;
  expect(workers()).toEqual([
    { name: "fail", worker: expect.any(Number) },
    { name: "slow", worker: before },
  ]);
});
