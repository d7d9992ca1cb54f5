// A pipeline to start from: one task that writes one row.
// Run it:       pipeloom run pipeline.ts
// With a name:  pipeloom run pipeline.ts --param name=Ada

import { pipeline, task } from "pipeloom";

const greet = task({
  name: "greet",
  // Runs in a thread of its own. What it returns, and what it is given, are JSON values.
  async run({ name }: { name: string }, ctx) {
    ctx.log.info(`hello, ${name}`);
    // The row and the task's `done` are committed together: both or neither.
    await ctx.upsert("greetings", [{ name, at: new Date() }], { key: "name" });
    return name.length;
  },
});

export default pipeline({
  name: "template-empty",
  db: "./pipeloom.db",
  params: { name: "world" },
  schema: `CREATE TABLE IF NOT EXISTS greetings (name TEXT PRIMARY KEY, at TEXT) STRICT`,
  // Calling a task does not run it: it makes a node. Hand a node to another task, and that one waits for it.
  tasks: ({ params }) => greet({ name: params.name }),
});
