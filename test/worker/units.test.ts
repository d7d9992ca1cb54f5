// Units from real Workers: all of it or nothing of it, whatever else the thread does meanwhile.

import { expect, test } from "bun:test";
import { newRig } from "../support/rig.ts";

test("a unit of many parts stays whole while another task of its thread talks", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
      const load = task({
        name: "load",
        async run(_, ctx) {
          for (let i = 0; i < 300; i++) await ctx.insert("t", [{ id: i }]);
          // The last part does not fit, so nothing of the unit may stay.
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
}, 30_000);
