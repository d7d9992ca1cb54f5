// What user code in the writer's thread leaves behind, and nobody catches.

import { expect, test } from "bun:test";
import { newRig } from "../../support/rig.ts";

test.each([
  ["a rejection", `void Promise.reject(new Error("left behind"));`],
  ["a timer", `setTimeout(() => { throw new Error("left behind"); }, 1);`],
  [
    "a late use of the db",
    `void Promise.resolve().then(() => { db.run("SELECT 'left behind'"); });`,
  ],
])("%s of a message's apply ends the run, as the error of its author", async (_, leave) => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const note = message("note", (db, id: number) => { db.run("INSERT INTO t VALUES (?)", id); ${leave} });
    const send = task({ name: "send", run: (_, ctx) => ctx.emit(note, 1) });
    const wait = task({ name: "wait", run: () => new Promise(() => {}) });
    export default pipeline({
      name: "p", messages: [note], schema: "CREATE TABLE t (id)", tasks: () => [send(), wait()],
    });
  `);
  const { code, err } = await rig.pipeloom("run", file, "--db", "test.db", "-w2");
  expect(code).toBe(1);
  expect(err).toContain(`what a message's apply left behind has failed (the last was "note"): `);
  expect(err).toMatch(
    /pipeline\.ts:3:\d+: (left behind|a message's db works only while its apply runs)/,
  );
  expect(err).not.toMatch(/WriterCrash|bug in pipeloom/);
  expect(rig.rows("SELECT status FROM task_runs WHERE name = 'wait'")).not.toEqual([
    { status: "done" },
  ]);
});

test("a rejection of the module is said, and no message is blamed", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    void Promise.reject(new Error("of the module"));
    const note = message("note", (db, id: number) => { db.run("INSERT INTO t VALUES (?)", id); });
    const send = task({ name: "send", run: (_, ctx) => ctx.emit(note, 1) });
    export default pipeline({ name: "p", messages: [note], schema: "CREATE TABLE t (id)", tasks: () => send() });
  `);
  const { code, err } = await rig.pipeloom("run", file, "--db", "test.db", "-w1");
  expect(err).toContain("pipeline.ts:3:");
  expect(err).not.toContain("left behind");
  expect(code).toBe(0);
});

test("an apply that returns what looks like a promise is refused as one", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const note = message("note", () => ({ then(resolve: () => void) { resolve(); throw new Error("no"); } }));
    const send = task({ name: "send", run: (_, ctx) => ctx.emit(note, 1) });
    export default pipeline({ name: "p", messages: [note], tasks: () => send() });
  `);
  const { err } = await rig.pipeloom("run", file, "--db", "test.db", "-w1");
  expect(err).toContain('message "note": apply must not be async');
});
