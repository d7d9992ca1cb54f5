// Tasks that upsert rows, in one unit each or with a checkpoint after a number of rows.

import { pipeline, task } from "pipeloom";

import { items, itemsSchema } from "./item.ts";

const load = task({
  name: "load",
  async run(input: { from: number; rows: number; unit: number }, ctx) {
    const { from, rows, unit } = input;
    for (let done = 0; done < rows; done += unit) {
      await ctx.upsert("items", items(from + done, Math.min(unit, rows - done)), { key: "id" });
      if (done + unit < rows) await ctx.checkpoint(done + unit);
    }
  },
});

export default pipeline({
  name: "rows",
  params: { rows: 1_000_000, tasks: 8, unit: 1_000_000 },
  schema: itemsSchema,
  tasks({ params }) {
    const rows = Math.floor(params.rows / params.tasks);
    const { unit } = params;
    return Array.from({ length: params.tasks }, (_, i) => load({ from: 1 + i * rows, rows, unit }));
  },
});
