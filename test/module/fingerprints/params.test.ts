// Which params the code of a task can read: another value of the others does not make it run again.

import { expect, test } from "bun:test";

import { newRig } from "../../support/rig.ts";
import { fingerprints } from "./fingerprints-in.ts";

test.each([
  ["none", "({ x }) => x", []],
  ["one by its name", "(_, ctx) => ctx.params.limit", ["limit"]],
  ["one by a text", '(_, ctx) => ctx.params["limit"]', ["limit"]],
  ["one that may be missing", "(_, ctx) => ctx?.params?.limit", ["limit"]],
  ["two, one of them in a helper", "(_, ctx) => helper(ctx) + ctx.params.limit", ["limit", "rate"]],
  ["all, as a whole", "(_, ctx) => JSON.stringify(ctx.params)", "all"],
  ["all, taken apart", "(_, { params }) => params.limit", "all"],
  ["all, by a name that only the run knows", "({ x }, ctx) => ctx.params[x]", "all"],
  ["all, by a text", '(_, ctx) => ctx["params"].limit', "all"],
  ["all, by a template", "({ x }, ctx) => ctx.params[`${x}`]", "all"],
  ["all, as a package may be given the context", "(_, ctx) => other(ctx)", "all"],
  ["none, with a module of the runtime", "() => readFileSync", []],
] as const)("%s", async (_, run, params) => {
  await using rig = newRig();
  const found = await fingerprints(
    rig,
    {
      "p.ts": `import { task } from "pipeloom";
import { readFileSync } from "node:fs";
import other from "some-package";
import { helper } from "./helper.ts";
export const load = task({ name: "load", run: ${run} });`,
      "helper.ts": "export const helper = (ctx) => ctx.params.rate;",
    },
    ["load"],
  );
  expect(found.coarse).toBeUndefined();
  expect(found.params.get("load")).toEqual(params);
});

test("the code of a fingerprint, with the author's names and without comments", async () => {
  await using rig = newRig();
  const found = await fingerprints(
    rig,
    {
      "p.ts": `import { task } from "pipeloom";
import { helper, unused } from "./helper.ts";
/** Loads. */
export const load = task({ name: "load", run: ({ day }: { day: number }) => helper(day) });
export const other = task({ name: "other", run: () => unused });`,
      "helper.ts": `const rate: number = 2;
export const helper = (value: number): number => value * rate; // twice
export const unused = 1;`,
    },
    ["load", "other"],
  );
  const fingerprint = found.byTask.get("load") ?? "";
  const sources = await found.sources(new Set([fingerprint]));
  expect([...sources.keys()]).toEqual([fingerprint]);
  expect(sources.get(fingerprint)).toBe(
    [
      "var rate = 2",
      "var helper = (value) => value * rate",
      'var load = task({ name: "load", run: ({ day }) => helper(day) })',
    ].join("\n"),
  );
});
