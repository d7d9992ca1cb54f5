import { describe, expect, test } from "bun:test";

import { newRig } from "../../support/rig.ts";
import { differing, type Edit, type Files, fingerprints } from "./fingerprints-in.ts";

/** Two tasks, after these lines. The first returns the expression. */
const ab = (one: string, two: string): string =>
  `import { task } from "pipeloom";\n${one}\nexport const a = task({ name: "a", run: () => ${two} });\nexport default task({ name: "b", run: () => 1 });`;
describe("links between files", () => {
  type Link = {
    readonly files: Files;
    readonly edit: Edit;
    readonly tasks: string[];
    readonly changes: string[];
  };
  const links: Readonly<Record<string, Link>> = {
    "data of more than 4 MB": {
      files: {
        "p.ts": ab('import data from "./big.json";', "data.one"),
        "big.json": JSON.stringify({ one: 1, text: "x".repeat(4 * 1024 * 1024) }),
      },
      edit: ["big.json", '"one":1', '"one":2'],
      tasks: ["a", "b"],
      changes: ["a"],
    },
    "a function by whose result a counter is divided": {
      files: {
        "p.ts": ab(
          'import { one } from "./h.ts"; let n = 1;',
          "[n++ / one() / 2, n-- / one() / 2]",
        ),
        "h.ts": "export const one = () => 1;",
      },
      edit: ["h.ts", "=> 1", "=> 2"],
      tasks: ["a", "b"],
      changes: ["a"],
    },
    "a global whose name is as short as that of a local": {
      files: { "p.ts": ab("declare const qa: any, qb: any;", "(x: number) => [x, qa]") },
      edit: ["p.ts", "[x, qa]", "[x, qb]"],
      tasks: ["a", "b"],
      changes: ["a"],
    },
    "a task that is the default export": {
      files: { "p.ts": ab("", "1") },
      edit: ["p.ts", 'name: "b", run: () => 1', 'name: "b", run: () => 2'],
      tasks: ["a", "b"],
      changes: ["b"],
    },
    "a default export": {
      files: {
        "p.ts": ab('import half from "./h.ts";', "half(1)"),
        "h.ts": "export default (n: number) => n / 2;",
      },
      edit: ["h.ts", "n / 2", "n / 3"],
      tasks: ["a", "b"],
      changes: ["a"],
    },
    "a namespace that is passed on": {
      files: {
        "p.ts": ab('import * as h from "./h.ts";', "Object.keys(h)"),
        "h.ts": "export const one = 1; export const two = 2;",
      },
      edit: ["h.ts", "two = 2", "two = 3"],
      tasks: ["a", "b"],
      changes: ["a"],
    },
    "a namespace, of which one function is used": {
      files: {
        "p.ts": ab('import * as h from "./h.ts";', "h.one"),
        "h.ts": "export const one = 1; export const two = 2;",
      },
      edit: ["h.ts", "two = 2", "two = 3"],
      tasks: ["a", "b"],
      changes: [],
    },
    "export all from": {
      files: {
        "p.ts": ab('import { one } from "./all.ts";', "one"),
        "all.ts": 'export * from "./h.ts";',
        "h.ts": "export const one = 1;",
      },
      edit: ["h.ts", "one = 1", "one = 2"],
      tasks: ["a", "b"],
      changes: ["a"],
    },
    "a CommonJS file, which may do anything": {
      files: {
        "p.ts": ab('import { one } from "./h.cjs";', "one"),
        "h.cjs": 'exports.one = require("./i.cjs");',
        "i.cjs": "module.exports = 1;",
      },
      edit: ["i.cjs", "= 1", "= 2"],
      tasks: ["a", "b"],
      changes: ["a", "b"],
    },
    "a CommonJS file that a task loads": {
      files: {
        "p.ts": ab("", 'require("./h.cjs")'),
        "h.cjs": 'exports.one = require("./i.cjs");',
        "i.cjs": "module.exports = 1;",
      },
      edit: ["i.cjs", "= 1", "= 2"],
      tasks: ["a", "b"],
      changes: ["a"],
    },
    "a file of effects that a task loads": {
      files: { "p.ts": ab("", 'import("./h.ts")'), "h.ts": "console.log(1);" },
      edit: ["h.ts", "log(1)", "log(2)"],
      tasks: ["a", "b"],
      changes: ["a"],
    },
    "a list of a file that is loaded at the start, and again by a task": {
      files: {
        "p.ts": ab(
          'import { all, one } from "./h.ts"; const c = () => import("./h.ts");',
          "[all, c]",
        ),
        "h.ts": "export const all = [1, 2]; export const one = [3]; export const two = [4];",
      },
      edit: ["h.ts", "[4]", "[5]"],
      tasks: ["a", "b"],
      changes: ["a"],
    },
    "a list that one of two tasks uses, in a file that a third loads": {
      files: {
        "p.ts": ab(
          'import { all } from "./h.ts"; task({ name: "c", run: () => import("./later.ts") });',
          "all",
        ),
        "h.ts": "export const all = [1, 2]; export class Part { static none = [3]; }",
        "later.ts": 'import { Part } from "./h.ts"; export const later = Part.none;',
      },
      edit: ["h.ts", "[1, 2]", "[1, 3]"],
      tasks: ["a", "b", "c"],
      changes: ["a", "c"],
    },
    "a file that its author calls free of effects": {
      files: {
        "p.ts": ab('import "./h.ts";', "1"),
        "h.ts": "globalThis.name = 'ONE';",
        "package.json": '{"sideEffects":false}',
      },
      edit: ["h.ts", "ONE", "TWO"],
      tasks: ["a", "b"],
      changes: ["a", "b"],
    },
    "the pipeline as CommonJS": {
      files: {
        "p.ts":
          'const { task } = require("pipeloom"); exports.a = task({ name: "a", run: () => 1 });',
      },
      edit: ["p.ts", "=> 1", "=> 2"],
      tasks: ["a"],
      changes: ["a"],
    },
    "pipeloom as a namespace": {
      files: {
        "p.ts":
          'import * as loom from "pipeloom"; loom.task({ name: "a", run: () => 1 }); export const b = loom.sh({ name: "b", command: "x" });',
      },
      edit: ["p.ts", "=> 1", "=> 2"],
      tasks: ["a", "b"],
      changes: ["a"],
    },
    "pipeloom by another file, and another name": {
      files: {
        "p.ts":
          'import { define } from "./h.ts"; define({ name: "a", run: () => 1 }); define({ name: "b", run: () => 1 });',
        "h.ts": 'export { task as define } from "pipeloom";',
      },
      edit: ["p.ts", 'name: "a", run: () => 1', 'name: "a", run: () => 2'],
      tasks: ["a", "b"],
      changes: ["a"],
    },
    "a package that a package needs": {
      files: {
        "p.ts": ab('import x from "outer/part";', "x"),
        "node_modules/outer/package.json":
          '{"name":"outer","version":"1.0.0","dependencies":{"inner":"*"}}',
        "node_modules/outer/part.js": "export default 1;",
        "node_modules/inner/package.json":
          '{"name":"inner","version":"1.0.0","dependencies":{"outer":"*"}}',
      },
      edit: ["node_modules/inner/package.json", "1.0.0", "1.0.1"],
      tasks: ["a", "b"],
      changes: ["a"],
    },
    "a package that is loaded for its effects": {
      files: {
        "p.ts": ab('import "outer";', "1"),
        "node_modules/outer/package.json": '{"name":"outer","version":"1.0.0"}',
        "node_modules/outer/index.js": "",
      },
      edit: ["node_modules/outer/package.json", "1.0.0", "1.0.1"],
      tasks: ["a", "b"],
      changes: ["a", "b"],
    },
    "a constant that is read before and after it changes": {
      files: { "p.ts": ab("let n = 1; const seen = n; n = 2;", "seen") },
      edit: ["p.ts", "const seen = n; n = 2;", "n = 2; const seen = n;"],
      tasks: ["a", "b"],
      changes: ["a"],
    },
    "text that is large": {
      files: {
        "p.ts": ab('import data from "./d.json"; import text from "./t.txt";', "[data, text]"),
        "d.json": `[${"1,".repeat(50_000)}1]`,
        "t.txt": "ONE".repeat(50_000),
      },
      edit: ["d.json", "1,1]", "1,2]"],
      tasks: ["a", "b"],
      changes: ["a"],
    },
  };

  test.each(Object.keys(links))("%s", async (name) => {
    const { files: texts, edit, tasks: names, changes } = links[name] ?? expect.unreachable();
    const [file, from, to] = edit;
    const text = texts[file] ?? "";
    expect(text).toContain(from);
    await using rig = newRig();
    const one = await fingerprints(rig, texts, names);
    const two = await fingerprints(rig, { ...texts, [file]: text.replace(from, () => to) }, names);
    const changed = differing(names, one, two);
    expect({ changed, coarse: one.coarse }).toEqual({ changed: changes, coarse: one.coarse });
  });
});
