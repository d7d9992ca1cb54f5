// A nested fan-out, a node from outside of it, and a task that reads all results.

import { each, pipeline, task } from "pipeloom";
import { note } from "./note.ts";

const factor = task({ name: "factor", run: () => 7 });
const groups = task({
  name: "groups",
  async run() {
    await Bun.sleep(10);
    return [0, 1, 2, 3, 4];
  },
});
const members = task({
  name: "members",
  run: ({ group }: { group: number }) => Array.from({ length: group * 3 }, (_, i) => i),
});
const product = task({
  name: "product",
  async run({ group, i, factor: by }: { group: number; i: number; factor: number }, ctx) {
    await ctx.insert("products", [{ group_no: group, i, product: (i + 1) * by }]);
    await Bun.sleep(i % 3);
    return (i + 1) * by;
  },
});
const sum = task({
  name: "sum",
  run: ({ values }: { values: number[] }) => values.reduce((a, b) => a + b, 0),
});
const total = task({
  name: "total",
  run: ({ sums }: { sums: number[] }) => sums,
});

export default pipeline({
  name: "fan-out",
  schema: "CREATE TABLE IF NOT EXISTS products (group_no INTEGER, i INTEGER, product INTEGER)",
  onTaskFinish: note,
  tasks: () => {
    const by = factor();
    const sums = each(groups(), (group) =>
      sum({ values: each(members({ group }), (i) => product({ group, i, factor: by })) }),
    );
    return total({ sums });
  },
});
