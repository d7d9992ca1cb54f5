// Leaves a run that can be continued: done tasks with results, one that waits at a cursor, one that failed.

import { each, pipeline, task } from "pipeloom";

const fails = process.env["FUZZ_FAILS"] === "1";

const list = task({ name: "list", run: () => [1, 2, 3] });
const load = task({
  name: "load",
  async run({ n }: { n: number }, ctx) {
    await ctx.upsert("loaded", [{ n, text: "x".repeat(n) }], { key: "n" });
    return { n, long: "y".repeat(n * 600) };
  },
});
const step = task({
  name: "step",
  async run(_, ctx) {
    const at = typeof ctx.cursor === "number" ? ctx.cursor : 0;
    await ctx.insert("steps", [{ at }]);
    await ctx.checkpoint(at + 1);
    if (fails) throw new Error("fails");
    return at;
  },
});
const perhaps = task({
  name: "perhaps",
  optional: true,
  run() {
    throw new Error("always fails");
  },
});
const sum = task({
  name: "sum",
  run: ({ all, at }: { all: { n: number }[]; at: number; perhaps: unknown }) => all.length + at,
});

export default pipeline({
  name: "resumable",
  params: { limit: 3, mode: "plain" },
  schema: `CREATE TABLE IF NOT EXISTS loaded (n INTEGER PRIMARY KEY, text TEXT);
    CREATE TABLE IF NOT EXISTS steps (at INTEGER)`,
  tasks: () => sum({ all: each(list(), (n) => load({ n })), at: step(), perhaps: perhaps() }),
});
