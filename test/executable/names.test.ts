// What pipeloom calls its own things in messages: the executable's code has other, shortened names.

import { expect, test } from "bun:test";
import { newRig } from "../support/rig.ts";

test("a task that returns a node, or the pipeline, is told so", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const other = task({ name: "other", run: () => 1 });
    const call = task({ name: "call", run: (): any => other() });
    const fan = task({ name: "fan", run: (): any => each([1], () => 1) });
    const whole = task({ name: "whole", run: (): any => p });
    const p = pipeline({ name: "p", tasks: () => [call(), fan(), whole()] });
    export default p;
  `);
  const { err } = await rig.pipeloom("run", file, "--db", "test.db", "-w1");
  expect(err).toContain("result is a node (a task is called in `tasks`, not in `run`)");
  expect(err).toContain("result is a node of `each`");
  expect(err).toContain("result is a Pipeline");
});
