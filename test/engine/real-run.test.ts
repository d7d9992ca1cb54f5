// Whole runs with real threads: the values that tasks get, and how a run ends.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
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
      'each: the source must yield a list, not an object with items; task "get" (1) yielded it; task "sum" (2) waits for the fan-out';
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
