// Ids in the order of commits, times, random values, and a trigger: two undisturbed runs differ, and nothing is wrong.

import { pipeline, task } from "pipeloom";

const work = task({
  name: "work",
  async run({ i }: { i: number }, ctx) {
    await Bun.sleep((i * 7) % 5);
    await ctx.insert("written", [{ i, at: new Date().toISOString(), random: Math.random() }]);
    return Math.random();
  },
});

export default pipeline({
  name: "left-out",
  schema: `
    CREATE TABLE IF NOT EXISTS written (id INTEGER PRIMARY KEY AUTOINCREMENT, i INTEGER, at TEXT, random REAL);
    CREATE TABLE IF NOT EXISTS sums (name TEXT PRIMARY KEY, sum INTEGER);
    CREATE TRIGGER IF NOT EXISTS counted AFTER INSERT ON written BEGIN
      INSERT INTO sums VALUES ('i', new.i) ON CONFLICT (name) DO UPDATE SET sum = sum + new.i;
    END`,
  tasks: () => Array.from({ length: 40 }, (_, i) => work({ i })),
});
