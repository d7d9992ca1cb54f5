// A pipeline in several files, ways of editing it, and for each the tasks whose fingerprint must change, written down
// beforehand.

import { describe, expect, test } from "bun:test";

import { type Fingerprints, fingerprintsOf } from "../../../src/module/fingerprints.ts";
import { sourcesOf } from "../../../src/module/sources.ts";
import { newRig, type Rig } from "../../support/rig.ts";
import { differing, type Edit, type Files, fingerprints } from "./fingerprints-in.ts";

const files: Files = {
  "p.ts": `
import { each, message, pipeline, sh, task } from "pipeloom";
import { clean, posts } from "./helper.ts";
import * as money from "./money.ts";
import { again } from "./reexport.ts";
import config from "./config.json";
import limits from "./limits.toml";
import sql from "./q.sql" with { type: "text" };
import { store } from "./store-task.ts";
import shape from "shape";

type Post = { id: number; title: string };
enum Level { Low, High = "h" }
const LIMIT = 100;
const PREFIX = "report";
const regions = ["eu", "us"];
const cache = new Map<string, number>();

const list = task({ name: "list", run: () => regions });
/** Loads one page. */
export const load = task({
  name: "load",
  retries: 3,
  timeout: "30s",
  async run({ url }: { url: string }, ctx) {
    const posts = await fetch(url).then((found) => found.json());
    const list: Post[] = posts.slice(0, LIMIT);
    await ctx.upsert("posts", list.map((post) => ({ ...post, title: clean(post.title) })), { key: "id" });
    return list.length / 2;
  },
});
const level = task({ name: "level", run: () => [Level, cache.size] });
const price = task({ name: "price", run: (n: number) => money.round(n) });
const all = { first: task({ name: "first", run: () => posts }), second: sh({ name: "second", command: ["echo", sql] }) };
const configured = task({ name: "configured", run: () => [config.url, limits.most, shape] });
const noted = message("noted", (db, text: string) => void db.run("INSERT INTO notes VALUES (?)", text));
const note = task({ name: "note", run: (_: void, ctx) => ctx.emit(noted, again(" a ")) });
const later = task({ name: PREFIX, run: async () => (await import("./lazy.ts")).answer() });
task({ name: "bare", run: () => new Parser().parse("x") });

class Parser {
  #depth = 0;
  parse(text: string) { return text + this.#depth; }
}

export default pipeline({
  name: "p",
  tasks: () => [load({ url: "a" }), level(), price(1), all.first(), all.second(), configured(), note(), later(), store(), each(list(), (url) => load({ url }))],
});
`,
  "helper.ts": `
import { task } from "pipeloom";
const trim = (text: string): string => text.trim();
export const clean = (text: string): string => trim(text).toLowerCase();
export const posts = [1, 2];
export const unused = () => 3;
export const helperTask = task({ name: "helper-task", run: () => posts.length });
`,
  "money.ts": `
import { cents } from "./cents.ts";
export const round = (value: number): number => Math.round(value * cents) / cents;
export const format = (value: number): string => "$" + round(value);
`,
  // Imports in a circle.
  "cents.ts": `import { round } from "./money.ts"; export const cents = 100; export const half = () => round(0.5);`,
  "reexport.ts": `export { clean as again } from "./helper.ts"; export * from "./money.ts";`,
  "store-task.ts": `import { task } from "pipeloom"; export const store = task({ name: "store", run: () => "kept" });`,
  "lazy.ts": `import { cents } from "./cents.ts"; export const answer = () => cents + 1; export const other = () => 2;`,
  "config.json": `{ "url": "https://example.org", "unused": [1] }`,
  "limits.toml": `most = 3`,
  "q.sql": `SELECT 1`,
};

const tasks = [
  "list",
  "load",
  "level",
  "price",
  "first",
  "second",
  "configured",
  "note",
  "report",
  "bare",
  "helper-task",
  "store",
];

const packageOf = (version: string): Files => ({
  "node_modules/shape/package.json": JSON.stringify({ name: "shape", version, main: "i.js" }),
  "node_modules/shape/i.js": "module.exports = {};",
});

type Case = { readonly edit: Edit; readonly also?: Edit; readonly changes: readonly string[] };

const p = (from: string, to: string): Edit => ["p.ts", from, to];

const cases: Readonly<Record<string, Case>> = {
  // Nothing changes.
  "a comment": { edit: p("Loads one page", "Loads a page"), changes: [] },
  "a comment in a function": { edit: p("async run({", "// async\n  async run({"), changes: [] },
  "blank lines and indents": {
    edit: p("const LIMIT = 100;", "\n\n  const   LIMIT=100\n"),
    changes: [],
  },
  "a type": { edit: p("title: string };", "title: string; body?: string };"), changes: [] },
  "a type of an input": {
    edit: p("{ url }: { url: string }", "{ url }: Record<string, string>"),
    changes: [],
  },
  "a name of a variable": {
    edit: p("regions = [", "areas = ["),
    also: p("=> regions", "=> areas"),
    changes: [],
  },
  "a name of a parameter": {
    edit: p(
      "(post) => ({ ...post, title: clean(post.title) })",
      "(one) => ({ ...one, title: clean(one.title) })",
    ),
    changes: [],
  },
  "how often to retry": {
    edit: p("retries: 3", "retries: { limit: 9, retryOn: () => true }"),
    changes: [],
  },
  "how much of its log is stored": {
    edit: p("retries: 3", "retries: 3, logs: { maxLines: 5 }"),
    changes: [],
  },
  "a label": {
    edit: p('timeout: "30s",', 'timeout: "30s", label: ({ url }) => money.round(url.length),'),
    changes: [],
  },
  "a label that is a method": {
    edit: p('timeout: "30s",', 'timeout: "30s", label({ url }) { return clean(url); },'),
    changes: [],
  },
  "a timeout": { edit: p('  timeout: "30s",\n', ""), changes: [] },
  "the plan": { edit: p("price(1)", 'price(2), load({ url: "b" })'), changes: [] },
  "the pipeline's name": {
    edit: p('name: "p",', 'name: "p", schema: "CREATE TABLE t (a)",'),
    changes: [],
  },
  "a helper that nobody uses": { edit: ["helper.ts", "=> 3", "=> 4"], changes: [] },
  "a new constant, of a name that a local has": {
    edit: p("const LIMIT", "export const found = 1;\nconst LIMIT"),
    changes: [],
  },
  "a new task": {
    edit: p(
      "const LIMIT",
      'const more = task({ name: "more", run: () => [cache, LIMIT] });\nconst LIMIT',
    ),
    changes: [],
  },
  "the order of declarations": {
    edit: p("const LIMIT = 100;", ""),
    also: p("class Parser {", "const LIMIT = 100;\nclass Parser {"),
    changes: [],
  },
  "a helper that moves to another file": {
    edit: p("const LIMIT = 100;", 'import { LIMIT } from "./limit.ts";'),
    also: ["limit.ts", "", "export const LIMIT = 100;"],
    changes: [],
  },

  // One task.
  "a task": { edit: p("=> regions", "=> [...regions]"), changes: ["list"] },
  "a string in a task": { edit: p('upsert("posts"', 'upsert("post"'), changes: ["load"] },
  "an operator in a task": { edit: p("list.length / 2", "list.length * 2"), changes: ["load"] },
  "a constant": { edit: p("LIMIT = 100", "LIMIT = 10"), changes: ["load"] },
  "an enum": { edit: p("Low, High", "Low, Middle, High"), changes: ["level"] },
  "a value that is made when the file is loaded": {
    edit: p("new Map<string, number>()", "new Map([['a', 1]])"),
    changes: ["level"],
  },
  "a class": { edit: p("text + this.#depth", "this.#depth + text"), changes: ["bare"] },
  "a field of a class": { edit: p("#depth = 0", "#depth = 1"), changes: ["bare"] },
  "a task in an object": {
    edit: p("run: () => posts", "run: () => posts.length"),
    changes: ["first"],
  },
  "a program's command": { edit: p('["echo"', '["printf"'), changes: ["second"] },
  "a text that is imported": { edit: ["q.sql", "1", "2"], changes: ["second"] },
  "a JSON file": { edit: ["config.json", "example.org", "example.com"], changes: ["configured"] },
  "a TOML file": { edit: ["limits.toml", "3", "4"], changes: ["configured"] },
  "a package's version": {
    edit: ["node_modules/shape/package.json", "1.0.0", "1.0.1"],
    changes: ["configured"],
  },
  "a message": { edit: p("INTO notes", "INTO remarks"), changes: ["note"] },
  "a task in an imported file": {
    edit: ["store-task.ts", '"kept"', '"stored"'],
    changes: ["store"],
  },
  "a file that is imported while the task runs": {
    edit: ["lazy.ts", "cents + 1", "cents + 2"],
    changes: ["report"],
  },
  "a task whose name is a constant": {
    edit: p("(await import", "1 + (await import"),
    changes: ["report"],
  },

  // Several.
  "a helper": { edit: ["helper.ts", ".toLowerCase()", ""], changes: ["load", "note"] },
  "a helper's helper": {
    edit: ["helper.ts", "text.trim()", "text.trimEnd()"],
    changes: ["load", "note"],
  },
  "a list in another file": {
    edit: ["helper.ts", "[1, 2]", "[1, 2, 3]"],
    changes: ["first", "helper-task"],
  },
  "a constant at the end of a circle": {
    edit: ["cents.ts", "cents = 100", "cents = 10"],
    changes: ["price", "report"],
  },
  "another helper of the same name": {
    edit: p('posts } from "./helper.ts"', 'posts } from "./other.ts"'),
    also: [
      "other.ts",
      "",
      "export const clean = (text: string) => text; export const posts = [1, 2];",
    ],
    changes: ["load"],
  },

  // All: any task may see what a file does when it is loaded.
  "a statement that runs when the file is loaded": {
    edit: p("const LIMIT", 'process.env["TZ"] = "UTC";\nconst LIMIT'),
    changes: tasks,
  },
  "an import for its effects": {
    edit: p("type Post", 'import "./effect.ts";\ntype Post'),
    also: ["effect.ts", "", "globalThis.name = 'x';"],
    changes: tasks,
  },
  "a call that may do anything": {
    edit: p("const LIMIT", "const started = performance.mark('x');\nconst LIMIT"),
    changes: tasks,
  },
};

async function changed(rig: Rig, { edit, also }: Case): Promise<string[]> {
  const before = { ...files, ...packageOf("1.0.0") };
  const after: Record<string, string> = { ...before };
  for (const [file, from, to] of also === undefined ? [edit] : [edit, also]) {
    const text = after[file] ?? "";
    expect(text).toContain(from);
    after[file] = text.replace(from, () => to);
  }
  const [one, two] = [
    await fingerprints(rig, before, tasks),
    await fingerprints(rig, after, tasks),
  ];
  expect([one.coarse, two.coarse]).toEqual([undefined, undefined]);
  return differing(tasks, one, two);
}

describe("an edit, and the tasks whose fingerprint changes", () => {
  test.each(Object.keys(cases))("%s", async (name) => {
    await using rig = newRig();
    const each = cases[name] ?? expect.unreachable();
    expect(await changed(rig, each)).toEqual([...each.changes]);
  });
});

test("each task has another fingerprint, the same in every folder", async () => {
  await using one = newRig();
  await using two = newRig();
  const [{ byTask }, other] = [
    await fingerprints(one, files, tasks),
    await fingerprints(two, files, tasks),
  ];
  expect(new Set(byTask.values()).size).toBe(tasks.length);
  expect(byTask.get("load")).toMatch(/^[0-9a-f]{64}$/);
  expect(other.byTask).toEqual(byTask);
});

const withoutSources = (all: Fingerprints): unknown => ({ ...all, sources: undefined });

test("the recorded texts count, not what the files hold by now", async () => {
  await using rig = newRig();
  const before = withoutSources(await fingerprints(rig, files, tasks));
  const sources = sourcesOf(rig.file("p.ts"));
  for (const { path } of sources) await Bun.write(path, "edited(");
  expect(withoutSources(await fingerprintsOf(rig.file("p.ts"), sources, tasks))).toEqual(before);
  for (const { path } of sources) await Bun.file(path).delete();
  expect(withoutSources(await fingerprintsOf(rig.file("p.ts"), sources, tasks))).toEqual(before);
});

test.each(['import("./" + name)', "import(`./${name}.ts`)", "require(name)", 'eval("name")'])(
  "%s: any edit counts, and the edit of what it loads is not seen",
  async (expression) => {
    await using rig = newRig();
    const text = (after: string): string => `import { pipeline, task } from "pipeloom";
    const open = task({ name: "open", run: ({ name }: { name: string }) => ${expression} });
    const other = task({ name: "other", run: () => 1 });
    ${after}
    export default pipeline({ name: "p", tasks: () => [open({ name: "x" }), other()] });`;
    const [one, two] = [
      await fingerprints(rig, { "p.ts": text("") }, ["open", "other"]),
      await fingerprints(rig, { "p.ts": text("const unused = 1;") }, ["open", "other"]),
    ];
    expect(one.unseen).toEqual(["open"]);
    expect(one.coarse).toContain("of what only the run knows");
    expect(one.byTask.get("open")).not.toBe(two.byTask.get("open") ?? "");
    expect(one.byTask.get("other")).toBe(two.byTask.get("other") ?? "");
  },
);
