// The executable in an empty folder, with pipeline files that are wrong: what is wrong, in which file and line, and no
// database left behind.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { newRig } from "../support/rig.ts";

setDefaultTimeout(60_000);

type Case = {
  readonly what: string;
  readonly text: string;
  readonly says: string | RegExp;
  readonly file?: string;
};

const cases: readonly Case[] = [
  {
    what: "a syntax error",
    text: "\nconst a = ;\n",
    says: "p.ts:2:11: Unexpected ;\n  const a = ;\n",
  },
  {
    what: "a missing default export",
    text: 'import { pipeline } from "pipeloom";\nexport const b = pipeline({ name: "b", tasks: [] });',
    says: 'p.ts: there is no default export; it exports "b"',
  },
  {
    what: "a missing named export",
    text: "export const a = 1;",
    file: "p.ts:nope",
    says: 'p.ts: there is no export "nope"',
  },
  {
    what: "a default export that is no pipeline",
    text: "export default { name: 1 };",
    says: "p.ts: the default export is an object, not a pipeline",
  },
  {
    what: "a task as the default export",
    text: 'import { task } from "pipeloom";\nexport default task({ name: "a", run() {} });',
    says: 'the default export is the task "a", not a pipeline',
  },
  {
    what: "a package that is not there",
    text: '\nimport { x } from "nowhere-to-be-found";\nexport default x;',
    says: "p.ts:2:19: Cannot find package 'nowhere-to-be-found'",
  },
  {
    what: "a file that is not there",
    text: 'import "./gone.ts";\n',
    says: /p\.ts:1:8: Cannot find module '\.\/gone\.ts'/,
  },
  {
    what: "a name that pipeloom does not have",
    text: '\nimport { pipelin } from "pipeloom";\nexport default pipelin;',
    says: "p.ts:2:10: Export named 'pipelin' not found",
  },
  {
    what: "a throw at the top level",
    text: '\n  throw new TypeError("at top");',
    says: /^error: p\.ts:2:\d+: TypeError: at top\n$/,
  },
  { what: "a string thrown at the top level", text: 'throw "words";', says: "p.ts: words" },
  { what: "null thrown at the top level", text: "throw null;", says: "p.ts: thrown: null" },
  {
    what: "an error with a cause at the top level",
    text: 'throw new Error("no config", { cause: new Error("no such file") });',
    says: /^error: p\.ts:1:\d+: no config; caused by: no such file\n$/,
  },
  {
    what: "an AggregateError at the top level",
    text: 'throw new AggregateError([new Error("one"), new Error("two")], "both");',
    says: /^error: p\.ts:1:\d+: AggregateError: both \(1: one; 2: two\)\n$/,
  },
  {
    what: "a throw of undefined in `tasks`",
    text: 'import { pipeline } from "pipeloom";\nexport default pipeline({ name: "p", async tasks() { throw undefined; } });',
    says: "p.ts: thrown: undefined",
  },
  {
    what: "a throw in `tasks`",
    text: 'import { pipeline } from "pipeloom";\nexport default pipeline({\n  name: "p",\n  tasks() {\n    throw new Error("in tasks");\n  },\n});',
    says: /^error: p\.ts:5:\d+: in tasks\n$/,
  },
  {
    what: "two tasks of one name",
    text: 'import { task } from "pipeloom";\ntask({ name: "a", run() {} });\ntask({ name: "a", run() {} });',
    says: 'p.ts:3:1: two tasks are called "a"',
  },
  {
    what: "a task defined while it runs",
    text: 'import { pipeline, task } from "pipeloom";\nexport default pipeline({ name: "p", tasks: () => task({ name: "a", run() {} })() });',
    says: /p\.ts:2:\d+: task "a" is defined while the pipeline runs/,
  },
  {
    what: "a forgotten node",
    text: 'import { pipeline, task } from "pipeloom";\nconst a = task({ name: "a", run() {} });\nexport default pipeline({ name: "p", tasks: () => { a(); return a(); } });',
    says: 'error: p.ts: task "a" was called in `tasks`, but nothing returned depends on it',
  },
  {
    what: "an input that is no JSON value",
    text: 'import { pipeline, task } from "pipeloom";\nconst a = task({ name: "a", run(_: unknown) {} });\nexport default pipeline({ name: "p", tasks: () => a({ at: [new Date()] }) });',
    says: 'task "a": input.at[0] is a Date; inputs must be JSON (use .toISOString())',
  },
  {
    what: "a schema that is wrong",
    text: 'import { pipeline } from "pipeloom";\nexport default pipeline({ name: "p", schema: "CREATE TABLE t (a); CREATE TABEL u (b)", tasks: [] });',
    says: 'error: p.ts: schema: statement 2 (CREATE TABEL u (b)): near "TABEL": syntax error',
  },
  {
    what: "a fan-out over what is no list",
    text: 'import { each, pipeline } from "pipeloom";\nexport default pipeline({ name: "p", tasks: () => each(new Map() as never, () => 1) });',
    says: "error: p.ts: each: source is a Map; inputs must be JSON",
  },
  {
    what: "`tasks` that cannot be iterated",
    text: 'import { pipeline } from "pipeloom";\nexport default pipeline({ name: "p", tasks: { [Symbol.iterator]: 1 } as never });',
    says: "error: p.ts: `tasks` cannot be iterated: ",
  },
  { what: "no TypeScript at all", text: "# My pipeline\n", says: /p\.ts:1:1: / },
  { what: "an empty file", text: "", says: "p.ts: there is no default export" },
];

describe("a pipeline file with", () => {
  test.each(cases)("$what", async ({ text, says, file = "p.ts" }) => {
    await using rig = newRig();
    rig.write("p.ts", text);
    const { code, out, err } = await rig.pipeloom("run", file);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toStartWith("error: ");
    if (typeof says === "string") expect(err).toContain(says);
    else expect(err).toMatch(says);
    expect(err).not.toContain("Internal error");
    expect(rig.list()).toEqual(["p.ts"]);
  });
});

test.skipIf(process.platform === "win32")("a device is no pipeline file", async () => {
  await using rig = newRig();
  const { code, err } = await rig.pipeloom("run", "/dev/null");
  expect({ code, err }).toEqual({
    code: 2,
    err: expect.stringContaining(
      "error: /dev/null is a pipe or a device, and a pipeline is a file\n",
    ),
  });
});

test("an error in a file that is imported is named there", async () => {
  await using rig = newRig();
  rig.write("p.ts", 'import "./lib/rows.ts";\nexport default 1;');
  mkdirSync(rig.file("lib"));
  rig.write("lib/rows.ts", '\n\nthrow new RangeError("in lib");\n');
  expect((await rig.pipeloom("run", "p.ts")).err).toMatch(
    /lib\/rows\.ts:3:\d+: RangeError: in lib/,
  );
});

test("a file that does not exist is wrong usage", async () => {
  await using rig = newRig();
  const { code, err } = await rig.pipeloom("run", "gone.ts");
  expect(code).toBe(2);
  expect(err).toContain("gone.ts: no such file");
  expect(rig.list()).toEqual([]);
});

test.each([
  [".", "is a folder; name the pipeline file in it"],
  ["sales.csv", "to load it into a table: pipeloom csv sales.csv"],
])("%s is no pipeline file, which is wrong usage, also with --help", async (file, message) => {
  await using rig = newRig();
  rig.write("sales.csv", "id\n1\n");
  for (const more of [[], ["--help"], ["--dry-run"]]) {
    const { code, err } = await rig.pipeloom("run", file, ...more);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) });
  }
  expect(rig.list()).toEqual(["sales.csv"]);
  rig.write("pipeline.ts", "");
  expect((await rig.pipeloom("run", ".")).err).toContain("pipeline.ts\n");
});

test("a failed task's stack begins in the user's file, at the right line", async () => {
  await using rig = newRig();
  rig.pipeline(`
    function deep(): never {
      throw new Error("deep down");
    }
    const a = task({ name: "a", run: () => deep() });
    export default pipeline({ name: "p", tasks: () => a() });
  `);
  const { code, err } = await rig.pipeloom("run", "pipeline.ts", "--db", "test.db");
  expect(code).toBe(1);
  expect(err).toContain("deep down");
  const [row] = rig.rows("SELECT json_extract(error, '$.stack') AS stack FROM task_runs");
  expect(String(row?.["stack"]).split("\n")[1]).toMatch(/at deep \(.*pipeline\.ts:4:\d+\)/);
});

test("what is fine runs: with a helper file, JSON and the user's own packages beside it", async () => {
  await using rig = newRig();
  rig.write("helper.ts", "export const twice = (n: number): number => 2 * n;");
  rig.write("data.json", '{ "numbers": [1, 2, 3] }');
  mkdirSync(rig.file("node_modules/triple"), { recursive: true });
  rig.write("node_modules/triple/package.json", '{ "name": "triple", "main": "index.js" }');
  rig.write("node_modules/triple/index.js", "module.exports = (n) => 3 * n;");
  rig.pipeline(`
    import { twice } from "./helper.ts";
    import data from "./data.json";
    import triple from "triple";
    const a = task({ name: "a", run: ({ n }: { n: number }) => triple(twice(n)) });
    const sum = task({ name: "sum", run: (all: number[]) => all.reduce((x, y) => x + y) });
    export default pipeline({ name: "p", tasks: () => sum(each(data.numbers, (n) => a({ n }))) });
  `);
  const { code, err } = await rig.pipeloom("run", "pipeline.ts", "--db", "test.db");
  expect({ code, err }).toMatchObject({ code: 0 });
  expect(rig.rows("SELECT result FROM task_runs WHERE name = 'sum'")).toEqual([{ result: "36" }]);
});
