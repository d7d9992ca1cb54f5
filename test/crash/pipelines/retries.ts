// Attempts that fail with uncommitted rows, before and after a checkpoint.

import { pipeline, task } from "pipeloom";
import { note } from "./note.ts";

const flaky = task({
  name: "flaky",
  retries: { limit: 4, delay: "5ms", jitter: false },
  async run({ i }: { i: number }, ctx) {
    const from = typeof ctx.cursor === "number" ? ctx.cursor : 0;
    await ctx.insert("tried", [{ task: i, step: from, value: "first" }]);
    if (from === 0 && i % 2 === 0) {
      await ctx.checkpoint(1);
      await ctx.insert("tried", [{ task: i, step: 99, value: "must not stay" }]);
      throw new Error("after the checkpoint");
    }
    if (ctx.attempt < 2) throw new Error("first attempt");
    return `${i} done`;
  },
});
const last = task({ name: "last", run: ({ all }: { all: string[] }) => all.join(",") });

export default pipeline({
  name: "retries",
  schema: "CREATE TABLE IF NOT EXISTS tried (task INTEGER, step INTEGER, value TEXT)",
  onTaskFinish: note,
  tasks: () => last({ all: Array.from({ length: 24 }, (_, i) => flaky({ i })) }),
});
