// A stream with concurrency limits: the same code path as a million tasks.

import { pipeline, task } from "pipeloom";
import { note } from "./note.ts";

const work = task({
  name: "work",
  pool: "few",
  async run({ i }: { i: number }, ctx) {
    await ctx.upsert("worked", [{ i, square: i * i }], { key: "i" });
    if (i % 10 === 0) ctx.log.info(`at ${i}`);
    return i;
  },
});
const timed = task({ name: "timed", pool: "rate", run: ({ i }: { i: number }) => i });

export default pipeline({
  name: "stream",
  schema: "CREATE TABLE IF NOT EXISTS worked (i INTEGER PRIMARY KEY, square INTEGER)",
  pools: { few: 3, rate: { limit: 20, per: "40ms" } },
  onTaskFinish: note,
  async *tasks() {
    for (let i = 0; i < 240; i++) {
      if (i % 40 === 0) await Bun.sleep(3);
      yield i % 3 === 0 ? timed({ i }) : work({ i });
    }
  },
});
