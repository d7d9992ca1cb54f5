import { describe, expect, test } from "bun:test";

import { newRig } from "../../support/rig.ts";
import { bystander, fingerprints, differing } from "./fingerprints-in.ts";

describe("where a task's code cannot be told apart, it has the hash of the whole module", () => {
  const notTold = /not defined by a `task\(\{ name: "…", … \}\)` at the top level/;
  const open = /an import, `require` or `eval` of what only the run knows/;

  type Coarse = { readonly text: string; readonly names: string[]; readonly says: RegExp };
  const coarse: Readonly<Record<string, Coarse>> = {
    "a loop": {
      text: 'for (const name of ["a", "b"]) task({ name, run: () => 1 });',
      names: ["a", "b"],
      says: notTold,
    },
    "a list": {
      text: 'export const all = ["a", "b"].map((name) => task({ name, run: () => 1 }));',
      names: ["a", "b"],
      says: notTold,
    },
    "a function": {
      text: "const make = (name: string) => task({ name, run: () => 1 }); export const a = make('a');",
      names: ["a"],
      says: notTold,
    },
    "a function's variable": {
      text: "function make(n: number) { return task({ name: 'a', run: () => n }); } make(1);",
      names: ["a"],
      says: notTold,
    },
    "a block's variable": {
      text: "{ const n = 1; task({ name: 'a', run: () => n }); }",
      names: ["a"],
      says: notTold,
    },
    "options from elsewhere": {
      text: 'const options = { name: "a", run: () => 1 }; task(options);',
      names: ["a"],
      says: notTold,
    },
    "a name that is computed": {
      text: 'task({ name: ["a"].join(), run: () => 1 });',
      names: ["a"],
      says: notTold,
    },
    "an import by an expression": {
      text: "task({ name: 'a', run: (_: void, ctx) => import(ctx.task.name) });",
      names: ["a"],
      says: open,
    },
    "a template in an import": {
      text: "task({ name: 'a', run: (_: void, ctx) => import(`./${ctx.task.name}.ts`) });",
      names: ["a"],
      says: open,
    },
    "require by an expression, in a helper": {
      text: "const load = (name: string) => require(name); task({ name: 'a', run: () => load('x') });",
      names: ["a"],
      says: open,
    },
    // The bundler leaves the whole file as it is.
    eval: {
      text: "const n = 1; task({ name: 'a', run: () => eval('n') });",
      names: ["a", "bystander"],
      says: notTold,
    },
    "an import by an expression when the file is loaded": {
      text: "task({ name: 'a', run: () => 1 }); await import(process.argv[0] + '');",
      names: ["a", "bystander"],
      says: open,
    },
    "code that cannot be bundled": {
      text: "task({ name: 'a', run: () => import('./nowhere.ts') });",
      names: ["a", "bystander"],
      says: /^no bundle of the code: .*nowhere/,
    },
  };

  test.each(Object.keys(coarse))("%s", async (name) => {
    const { text, names, says } = coarse[name] ?? expect.unreachable();
    const all = [...new Set([...names, "bystander"])];
    await using rig = newRig();
    const one = await fingerprints(rig, { "p.ts": bystander + text }, all);
    const two = await fingerprints(
      rig,
      { "p.ts": `${bystander}${text}\nexport const more = 1;` },
      all,
    );
    expect(one.coarse).toMatch(says);
    expect(differing(all, one, two).toSorted()).toEqual(names.toSorted());
  });
});
