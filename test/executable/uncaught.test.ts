// What nobody catches in the main thread is a line of the run, masked, and the run goes on as if it were not there.

import { expect, test } from "bun:test";
import { newRig } from "../support/rig.ts";

const leave = {
  rejection: `void Promise.reject(new Error("left behind, " + process.env.LEFT_SECRET));`,
  timer: `setTimeout(() => { throw new Error("left behind, " + process.env.LEFT_SECRET); }, 0);`,
};

test.each(Object.entries(leave))("a %s of a hook", async (_, left) => {
  await using rig = newRig();
  const file = rig.pipeline(`
    process.env["LEFT_SECRET"] = "hush-hush-hush";
    const first = task({ name: "first", run: () => 1 });
    const second = task({ name: "second", run: () => Bun.sleep(200) });
    export default pipeline({
      name: "p",
      secrets: ["LEFT_SECRET"],
      onTaskFinish: ({ id }) => { if (id === 1) { ${left} } },
      tasks: () => [first(), second()],
    });
  `);
  const { code, err } = await rig.pipeloom("run", file, "--db", "test.db", "-w1");
  expect(err).not.toContain("hush-hush-hush");
  expect(err).toContain("left behind, ***");
  expect(code).toBe(0);
});

test.each(Object.entries(leave))("a %s of the module", async (_, left) => {
  await using rig = newRig();
  const file = rig.pipeline(`
    process.env["LEFT_SECRET"] = "hush-hush-hush";
    if (Bun.isMainThread) { ${left} }
    const one = task({ name: "one", run: () => 1 });
    await Bun.sleep(10);
    export default pipeline({ name: "p", secrets: ["LEFT_SECRET"], tasks: () => one() });
  `);
  const { code, err } = await rig.pipeloom("run", file, "--db", "test.db", "-w1");
  expect(err).toStartWith("✖ Error: left behind, ***\n│     at ");
  expect(code).toBe(0);
});
