// Attempts that hang until their timeout, a concurrency limit, optional failures, a failure whose dependents are skipped, and
// order without data.

import { pipeline, task } from "pipeloom";
import { note } from "./note.ts";

const hang = task({
  name: "hang",
  pool: "three",
  timeout: 40,
  retries: { limit: 20, delay: "1ms", jitter: false },
  async run({ i }: { i: number }, ctx) {
    const isFirst = ctx.attempt === 1 && i % 3 === 0;
    await ctx.insert("attempts", [{ i, said: isFirst ? "must not stay" : "ended" }]);
    if (isFirst) await new Promise((_, reject) => ctx.signal.addEventListener("abort", reject));
    return i;
  },
});
const optional = task({
  name: "optional",
  optional: true,
  run({ i }: { i: number }) {
    if (i % 2 === 0) throw new Error(`${i} has failed`);
    return i;
  },
});
const read = task({
  name: "read",
  async run({ value, i }: { value: number | null; i: number }, ctx) {
    await ctx.insert("reads", [{ i, value: String(value) }]);
  },
});
const fail = task({
  name: "fail",
  retries: { limit: 1, delay: 0 },
  run(): number {
    throw new Error("always");
  },
});
const skipped = task({ name: "skipped", run: ({ value }: { value: number }) => value });
const count = task({
  name: "count",
  run: (_, ctx) => ctx.query("SELECT count(*) AS n, min(said) AS said FROM attempts"),
});

export default pipeline({
  name: "failures",
  pools: { three: 3 },
  schema: `CREATE TABLE IF NOT EXISTS attempts (i INTEGER, said TEXT);
    CREATE TABLE IF NOT EXISTS reads (i INTEGER, value TEXT)`,
  onTaskFinish: note,
  tasks: () => {
    const hanging = Array.from({ length: 12 }, (_, i) => hang({ i }));
    return [
      ...Array.from({ length: 8 }, (_, i) => read({ value: optional({ i }), i })),
      skipped({ value: fail() }),
      count(undefined, { after: hanging }),
    ];
  },
});
