import { afterEach, expect, test } from "bun:test";

import { pipeline } from "../../src/api/pipeline.ts";
import { registry } from "../../src/api/registry.ts";
import { sh } from "../../src/api/sh.ts";
import { task } from "../../src/api/task.ts";
import { newRig } from "../support/rig.ts";

const run = (): number => 1;
const odd = (options: object): never => options as never;

afterEach(() => {
  registry.tasks.clear();
  registry.sealed = false;
});

test.each<[what: string, make: () => unknown, message: string]>([
  [
    "a task",
    () => task(odd({ name: "a", run, timout: "1s" })),
    'task "a": there is no option "timout": did you mean timeout?',
  ],
  [
    "a program",
    () => sh(odd({ name: "a", command: "true", comand: 1 })),
    'task "a": there is no option "comand": did you mean command?',
  ],
  [
    "retries",
    () => task(odd({ name: "a", run, retries: { limit: 1, maxdelay: 1 } })),
    'task "a": retries: there is no option "maxdelay": did you mean maxDelay?',
  ],
  [
    "logs",
    () => task(odd({ name: "a", run, logs: { lines: 1 } })),
    'task "a": logs: there is no option "lines": the options are maxLines.',
  ],
  [
    "a call",
    () => task({ name: "a", run })(undefined, odd({ prio: 1 })),
    'task "a": options of a call: there is no option "prio": did you mean priority?',
  ],
  [
    "retries of a call",
    () => task({ name: "a", run })(undefined, odd({ retries: { limit: 1, jiter: true } })),
    "did you mean jitter?",
  ],
  [
    "a pipeline",
    () => pipeline(odd({ name: "p", tasks: [], secret: ["A"] })),
    'pipeline "p": there is no option "secret": did you mean secrets?',
  ],
  [
    "a pool",
    () => pipeline(odd({ name: "p", tasks: [], pools: { api: { limit: 1, pre: "1s" } } })),
    'pipeline "p": pool "api": there is no option "pre": did you mean per?',
  ],
  [
    "keep",
    () => pipeline(odd({ name: "p", tasks: [], keep: { runs: 1, ages: "1d" } })),
    'pipeline "p": keep: there is no option "ages": did you mean age?',
  ],
])("%s with an unknown name is refused", (_, make, message) => {
  expect(make).toThrow(message);
});

test("a name without a value is let pass: it may come from a spread", () => {
  const settings = { timout: undefined };
  expect(() =>
    task({ name: "a", run, ...settings })(undefined, odd({ nmae: undefined })),
  ).not.toThrow();
});

test("the error of a file that is loaded names the place", async () => {
  await using rig = newRig();
  rig.pipeline(`const a = task({ name: "a", run: () => 1, timout: "1s" });
    export default pipeline({ name: "p", tasks: () => a() });`);
  const { code, err } = await rig.fromSource("run", "pipeline.ts");
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringMatching(
      /pipeline\.ts:2:11: TypeError: task "a": there is no option "timout": did you mean timeout\? An unknown name is an error/,
    ),
  });
});
