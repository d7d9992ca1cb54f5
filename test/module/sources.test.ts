import { expect, test } from "bun:test";
import { dirname } from "node:path";
import { codeHash, sourcesOf, useRecordedSources } from "../../src/module/sources.ts";
import { newRig } from "../support/rig.ts";

test("the file and what it imports by name, one from another; of packages nothing", async () => {
  await using rig = newRig();
  const entry = rig.write(
    "p.ts",
    `import { a } from "./a"; import type { T } from "./types"; import data from "./data.json"; import fs from "node:fs";
     import { task } from "pipeloom"; export const later = () => import("./later.mjs"); export default [a, data, fs, task];
     import old from "./old.cjs"; import query from "./q.graphql" with { type: "text" }; old(query);`,
  );
  rig.write("a.ts", 'export { b as a } from "./b.tsx";');
  rig.write("b.tsx", 'import "./p.ts"; export const b = 1;');
  rig.write("data.json", '{"n":1}');
  rig.write("later.mjs", "export {};");
  rig.write("types.ts", "export type T = 1;");
  rig.write("old.cjs", 'module.exports = require("./older.js");');
  rig.write("older.js", "module.exports = 1;");
  rig.write("q.graphql", "query {}");
  rig.write("unrelated.ts", "export {};");
  const names = sourcesOf(entry).map(({ path }) => path.slice(dirname(entry).length + 1));
  expect(names).toEqual([
    "a.ts",
    "b.tsx",
    "data.json",
    "later.mjs",
    "old.cjs",
    "older.js",
    "p.ts",
    "q.graphql",
  ]);
});

test("what the executable brings is none of them, where its name leads to a checkout too", async () => {
  await using rig = newRig();
  rig.write("package.json", '{"name":"pipeloom","exports":"./index.ts"}');
  rig.write("index.ts", "export {};");
  const entry = rig.write("p.ts", 'import { task } from "pipeloom"; export default task;');
  expect(sourcesOf(entry).map(({ path }) => path)).toEqual([entry]);
});

test("the hash is of names and texts, not of the folder", async () => {
  await using one = newRig();
  await using two = newRig();
  const hashIn = (rig: typeof one, text: string): string => {
    rig.write("a.ts", text);
    const entry = rig.write("p.ts", 'import "./a.ts";');
    return codeHash(entry, sourcesOf(entry));
  };
  const hash = hashIn(one, "export {};");
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(hashIn(two, "export {};")).toBe(hash);
  expect(hashIn(two, "export {}; ")).not.toBe(hash);
});

test("a file that is not there, or no code, is no error here", async () => {
  await using rig = newRig();
  expect(sourcesOf(rig.file("none.ts"))).toEqual([]);
  expect(sourcesOf(rig.write("half.ts", "half a line ("))).toHaveLength(1);
});

test("a file that is named with a query", async () => {
  await using rig = newRig();
  rig.write("a.ts", "export const a = 1;");
  const entry = rig.write("p.ts", 'import { a } from "./a.ts?v=2"; export default a;');
  expect(sourcesOf(entry).map(({ path }) => path)).toEqual([rig.file("a.ts"), entry]);
});

test("of a file of more than 4 MB, the hash: an edit of it changes the code", async () => {
  await using rig = newRig();
  const entry = rig.write("p.ts", 'import data from "./big.json"; export default data;');
  const hashOf = (n: number): string => {
    rig.write("big.json", JSON.stringify({ n, text: "x".repeat(4 * 1024 * 1024) }));
    return codeHash(entry, sourcesOf(entry));
  };
  expect(hashOf(1)).not.toBe(hashOf(2));
  const [big] = sourcesOf(entry);
  expect(big).toEqual({
    path: rig.file("big.json"),
    text: expect.stringMatching(/^[\da-f]{64}$/),
    isDigest: true,
  });
  // A thread that starts during the run loads it as it is.
  rig.write("big.json", "{}");
  useRecordedSources(big === undefined ? [] : [big]);
  expect((await import(entry)).default).toEqual({});
});
