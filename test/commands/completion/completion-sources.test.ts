// What completion finds in files and databases, without running the user's code.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  completionSources,
  paramsOf,
  recentRuns,
} from "../../../src/commands/completion/completion-sources.ts";
import { tempFolder } from "../../support/temp-folder.ts";

describe("parameters in a file's text", () => {
  test.each([
    ["({ params: { a: 1, 'b c': \"x,}\", d } })", ["a=1", 'b c="x,}"', "d="]],
    [
      "const params = { list: [1, { a: 2 }], f: (x) => ({ x }) };",
      ["list=[1, { a: 2 }]", "f=(x) => ({ x })"],
    ],
    ["({ params: z.object({ limit: z.number().default(5), }) })", ["limit=z.number().default(5)"]],
    ["({ params: {} })", []],
    ["({ params: schema })", []],
    ["({ params: { a: `${'}'}`, b: 'it\\'s' } })", ["a=`${'}'}`", "b='it\\'s'"]],
    ["({ params: { open: 1", []],
    ["const myparams = 1; ({ noparams: { a: 1 } })", []],
  ])("%s", (code, expected) => {
    expect(paramsOf(code).map(({ name, fallback }) => `${name}=${fallback}`)).toEqual(expected);
  });
});

test("runs: what a file says is shown, and a file that is none says nothing", () => {
  using folder = tempFolder();
  const db = join(folder.path, "a.db");
  using database = new Database(db);
  database.run("CREATE TABLE pipeline_runs (id INTEGER PRIMARY KEY, pipeline, status, started_at)");
  database.run("INSERT INTO pipeline_runs VALUES (7, 'posts', 'done', '2026-01-01T00:00:00.000Z')");
  expect(recentRuns(db)[0]?.what).toMatch(/^posts, done, \d+ \w+ ago$/);
  const file = join(folder.path, "etl.ts");
  writeFileSync(file, "export default 1;");
  expect(recentRuns(file)).toEqual([]);
});

test("tasks: those that the file on the line defines", async () => {
  using folder = tempFolder();
  const file = join(folder.path, "etl.ts");
  writeFileSync(
    file,
    `const a: X = task({ name: "load-day", run() {} }); // task({ name: "old" })
     const b = sh({ name: 'count', command: "wc" });
     const c = task({ name: \`day-\${n}\`, run() {} });`,
  );
  const typed = { positionals: [file], given: new Map(), awaiting: undefined, flagsEnded: false };
  const def = { type: "string", description: "" } as const;
  const answer = await completionSources["task"]?.({ def, typed, args: {}, current: "" });
  expect(answer).toEqual({
    kind: "words",
    candidates: ["load-day", "count"].map((text) => ({ text, what: "" })),
  });
});
