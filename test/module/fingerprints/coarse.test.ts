import { describe, expect, test } from "bun:test";

import { newRig } from "../../support/rig.ts";
import { bystander, fingerprints, differing } from "./fingerprints-in.ts";

describe("where a task's code cannot be told apart, it has the hash of the whole module", () => {
  const open = /an import, `require`, `eval` or `Function` of what only the run knows/;

  type Coarse = { readonly text: string; readonly names: string[]; readonly says: RegExp };
  const coarse: Readonly<Record<string, Coarse>> = {
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
    "a require of one's own": {
      text: "import { createRequire } from 'node:module'; const load = createRequire(import.meta.url); task({ name: 'a', run: () => load('./h.cjs') });",
      names: ["a"],
      says: open,
    },
    "import.meta.require": {
      text: "task({ name: 'a', run: () => import.meta.require('./h.cjs') });",
      names: ["a"],
      says: open,
    },
    Function: {
      text: "task({ name: 'a', run: () => new Function('return globalThis.n')() });",
      names: ["a"],
      says: open,
    },
    // The bundler leaves the whole file as it is.
    eval: {
      text: "const n = 1; task({ name: 'a', run: () => eval('n') });",
      names: ["a", "bystander"],
      says: open,
    },
    "a task that only the run makes": {
      text: "void 0;",
      names: ["a"],
      says: /^a: no call of `task` or `sh` that defines it was found$/,
    },
    "an import by an expression when the file is loaded": {
      text: "task({ name: 'a', run: () => 1 }); await import(process.argv[0] + '');",
      names: ["a", "bystander"],
      says: open,
    },
    "code that is too long": {
      text: `task({ name: 'a', run: () => [${"Math.random(), ".repeat(70_000)}] });`,
      names: ["a", "bystander"],
      says: /^no bundle of the code: it is longer than 1 MB$/,
    },
    "code that cannot be bundled": {
      text: "task({ name: 'a', run: () => import('./nowhere.ts') });",
      names: ["a", "bystander"],
      says: /^no bundle of the code: Could not resolve: ".\/nowhere.ts"$/,
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

/** A file, the first of two texts in it, which is replaced by the second, and whose tasks change. */
type Shared = readonly [
  text: string,
  from: string,
  to: string,
  changes: readonly ("a" | "b" | "bystander")[],
];

const plan = "export default pipeline({ name: 'p', tasks: () => [bystander(), PLAN] });";
const shared: Readonly<Record<string, Shared>> = {
  "a loop, its body": [
    'for (const name of ["a", "b"]) task({ name, run: () => 1 });',
    "=> 1",
    "=> 2",
    ["a", "b"],
  ],
  "a list, its items": [
    'export const all = ["a", "b"].map((name) => task({ name, run: () => 1 }));',
    '"a", "b"',
    '"b", "a"',
    ["a", "b"],
  ],
  "a list, the plan": [
    `const all = ["a", "b"].map((name) => task({ name, run: () => 1 })); ${plan}`,
    "PLAN",
    "...all.map((each) => each())",
    [],
  ],
  "a list, another task": [
    `const all = ["a", "b"].map((name) => task({ name, run: () => 1 })); const c = task({ name: "c", run: () => 1 });`,
    'name: "c", run: () => 1',
    'name: "c", run: () => 2',
    [],
  ],
  "a function, what it is given": [
    "const make = (name: string, run: () => number) => task({ name, run }); const a = make('a', () => 1), b = make('b', () => 3);",
    "=> 1",
    "=> 2",
    ["a", "b"],
  ],
  "a function, its own code": [
    "const make = (name: string, n: number) => task({ name, run: () => n + 1 }); const a = make('a', 1); const b = make('b', 2);",
    "n + 1",
    "n + 2",
    ["a", "b"],
  ],
  "a function in an object, its caller": [
    "const make = (name: string, n: number) => task({ name, run: () => n }); const makers = { make }; const a = makers.make('a', 1), b = makers.make('b', 2);",
    "make('a', 1)",
    "make('a', 3)",
    ["a", "b", "bystander"],
  ],
  "a function's variable": [
    "function make(n: number) { task({ name: 'a', run: () => n }); task({ name: 'b', run: () => n }); } make(1);",
    "make(1)",
    "make(2)",
    ["a", "b"],
  ],
  "a block's variable": [
    "{ const n = 1; task({ name: 'a', run: () => n }); task({ name: 'b', run: () => n }); }",
    "n = 1",
    "n = 2",
    ["a", "b"],
  ],
  "options from elsewhere": [
    'const options = { name: "a", run: () => 1 }; task(options); const b = task({ name: "b", run: () => 1 });',
    '"a", run: () => 1',
    '"a", run: () => 2',
    ["a"],
  ],
  "a name that is computed": [
    'task({ name: ["a"].join(), run: () => 1 }); const b = task({ name: "b", run: () => 1 });',
    "run: () => 1",
    "run: () => 2",
    ["a"],
  ],
  "two definitions of one name": [
    "const make = (name: string, n: number) => task({ name, run: () => n }); const a = known ? task({ name: 'a', run: () => 1 }) : make('a', 2); const b = task({ name: 'b', run: () => 1 });",
    "'a', 2",
    "'a', 3",
    ["a"],
  ],
  "`task` under another name: the call may do anything": [
    'const define = task; define({ name: "a", run: () => 1 }); const b = task({ name: "b", run: () => 1 });',
    "=> 1",
    "=> 2",
    ["a", "b", "bystander"],
  ],
};

describe("tasks whose definitions cannot be told apart share a fingerprint", () => {
  test.each(Object.keys(shared))("%s", async (name) => {
    const [text, from, to, changes] = shared[name] ?? expect.unreachable();
    expect(text).toContain(from);
    const names = ["a", "b", "bystander"];
    await using rig = newRig();
    const one = await fingerprints(rig, { "p.ts": bystander + text }, names);
    const two = await fingerprints(rig, { "p.ts": bystander + text.replace(from, to) }, names);
    expect([one.coarse, two.coarse]).toEqual([undefined, undefined]);
    expect(differing(names, one, two)).toEqual([...changes]);
  });
});
