// Messages that increment a sum: a message applied twice makes the sum wrong.

import { message, pipeline, task } from "pipeloom";
import { note } from "./note.ts";

const add = message<{ name: string; by: number }>("add", (db, { name, by }) => {
  db.run(
    "INSERT INTO sums (name, sum) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET sum = sum + excluded.sum",
    name,
    by,
  );
});

const count = task({
  name: "count",
  async run({ i }: { i: number }, ctx) {
    const from = typeof ctx.cursor === "number" ? ctx.cursor : 0;
    for (let step = from; step < 4; step++) {
      await ctx.emit(add, { name: `sum ${i % 3}`, by: i * 10 + step });
      if (i % 4 === 0) await ctx.checkpoint(step + 1);
    }
    await Bun.sleep(i % 5);
    return i;
  },
});

export default pipeline({
  name: "messages",
  schema: "CREATE TABLE IF NOT EXISTS sums (name TEXT PRIMARY KEY, sum INTEGER)",
  messages: [add],
  onTaskFinish: note,
  tasks: () => Array.from({ length: 60 }, (_, i) => count({ i })),
});
