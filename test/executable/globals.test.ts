// User code that replaces what the runtime provides, in every thread: the run is as it would be without.

import { expect, test } from "bun:test";
import { newRig } from "../support/rig.ts";

const replacements = {
  clocks: `
    performance.now = Date.now = () => 0;
    const Real = Date;
    globalThis.Date = class extends Real { constructor() { super(0); } } as never;`,
  "timers that never fire": `
    for (const name of ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"]) globalThis[name] = () => ({ unref() {} });
    globalThis.clearTimeout = globalThis.clearInterval = () => {};`,
  classes: `
    for (const name of ["Promise", "Worker", "MessageChannel", "MessageEvent", "URL", "AbortController", "TextDecoder"]) {
      globalThis[name] = class { constructor() { throw new Error(name); } };
    }`,
  functions: `
    globalThis.structuredClone = () => { throw new Error("structuredClone"); };
    globalThis.crypto = globalThis.Buffer = undefined;
    JSON.stringify = JSON.parse = () => "1";`,
  "toJSON of lists": `Array.prototype.toJSON = () => "list";`,
  "toJSON of objects": `Object.prototype.toJSON = () => "object";`,
  "enumerable members of every object": `Object.prototype.extra = Array.prototype.extra = () => 1;`,
} as const;

test.each(Object.entries(replacements))("%s", async (_, replaced) => {
  await using rig = newRig();
  rig.write(
    "pipeline.ts",
    `// @ts-nocheck
    import { each, message, pipeline, task } from "pipeloom";
    ${replaced}
    const note = message("note", (db, { id }) => db.run("INSERT INTO notes VALUES (?)", id));
    const list = task({ name: "list", run: () => [1, 2, 3] });
    const item = task({
      name: "item",
      retries: { limit: 1, delay: "1ms" },
      timeout: "1m",
      async run({ id }, ctx) {
        if (ctx.attempt === 1 && id === 2) throw new Error("again");
        ctx.progress(1, 2, "half");
        await ctx.upsert("items", [{ id, text: "text " + id }], { key: "id" });
        await ctx.emit(note, { id });
        await ctx.checkpoint([id]);
        return { id, list: [id] };
      },
    });
    const all = task({ name: "all", run: ({ items }) => items });
    export default pipeline({
      name: "p",
      params: { limit: 1 },
      messages: [note],
      schema: "CREATE TABLE items (id INTEGER PRIMARY KEY, text); CREATE TABLE notes (id)",
      async onTaskFinish() {},
      async onFinish() {},
      tasks: () => all({ items: each(list(), (id) => item({ id })) }),
    });`,
  );
  const { code, err } = await rig.pipeloom("run", "pipeline.ts", "--db", "test.db", "-w2");
  expect(err).not.toContain("rror");
  expect(code).toBe(0);
  expect(rig.rows("SELECT * FROM items NATURAL JOIN notes ORDER BY id")).toEqual(
    [1, 2, 3].map((id) => ({ id, text: `text ${id}` })),
  );
  const items = [1, 2, 3].map((id) => ({ id, list: [id] }));
  expect(rig.rows("SELECT result FROM task_runs WHERE name = 'all'")).toEqual([
    { result: JSON.stringify(items) },
  ]);
});
