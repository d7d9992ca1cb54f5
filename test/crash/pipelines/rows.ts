// Rows in several units per task. They are inserted without a key, so that a unit stored twice is visible.

import { pipeline, task } from "pipeloom";
import { note } from "./note.ts";

const load = task({
  name: "load",
  async run({ part }: { part: number }, ctx) {
    const from = typeof ctx.cursor === "number" ? ctx.cursor : 0;
    for (let start = from; start < 1200; start += 300) {
      const rows = Array.from({ length: 300 }, (_, i) => ({
        part,
        i: start + i,
        text: `row ${i}`,
      }));
      await ctx.insert("loaded", rows);
      if (part % 2 === 0) await ctx.checkpoint(start + 300);
      await Bun.sleep(2);
    }
    return part;
  },
});

export default pipeline({
  name: "rows",
  schema: "CREATE TABLE IF NOT EXISTS loaded (part INTEGER, i INTEGER, text TEXT)",
  onTaskFinish: note,
  tasks: () => [1, 2, 3, 4, 5, 6].map((part) => load({ part })),
});
