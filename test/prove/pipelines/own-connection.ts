// Writes rows that are in no unit.

import { Database } from "bun:sqlite";

import { pipeline, task } from "pipeloom";

const work = task({
  name: "work",
  async run({ i }: { i: number }) {
    using db = new Database("own.db");
    db.run("PRAGMA busy_timeout = 10000");
    db.run("INSERT INTO written (i) VALUES (?)", [i]);
    await Bun.sleep(10);
    return i;
  },
});

export default pipeline({
  name: "own-connection",
  db: "own.db",
  schema: "CREATE TABLE IF NOT EXISTS written (i INTEGER)",
  tasks: () => Array.from({ length: 40 }, (_, i) => work({ i })),
});
