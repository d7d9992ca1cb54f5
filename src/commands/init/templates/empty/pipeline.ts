// A starting point: one task that writes one row.
// Run it:       pipeloom run pipeline.ts
// With a name:  pipeloom run pipeline.ts --param name=Ada

import { pipeline, task } from "pipeloom";

const greet = task({
  name: "greet",
  // Runs in a worker thread. Input and result are JSON values.
  async run({ name }: { name: string }, ctx) {
    ctx.log.info(`hello, ${name}`);
    // The row and the task's status `done` are committed together: both or neither.
    await ctx.upsert("greetings", [{ name, at: new Date() }], { key: "name" });
    return name.length;
  },
});

export default pipeline({
  name: "template-empty",
  db: "./pipeloom.db",
  params: { name: "world" },
  schema: `CREATE TABLE IF NOT EXISTS greetings (name TEXT PRIMARY KEY, at TEXT) STRICT`,
  // Calling a task does not run it: it creates a node. A task that takes a node as input waits for its result.
  tasks: ({ params }) => greet({ name: params.name }),
});
