// The place in the user's file, out of a stack.

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { userFrame } from "../../src/base/thrown-at.ts";
import { tempFolder } from "../support/temp-folder.ts";

const own = "/srv/pipelines/etl.ts";

test.each<readonly [line: string, at: string | undefined]>([
  [`    at run (${own}:3:7)`, "3:7"],
  [`    at ${own}:3:7`, "3:7"],
  [`    at run (file://${own}:3:7)`, "3:7"],
  [`run@${own}:3:7`, undefined],
  ["    at run (native)", undefined],
  ["    at run (:3:7)", undefined],
  ["at 12:30:15", undefined],
])("%s", (line, at) => {
  const found = userFrame(`Error: no\n${line}`, own);
  expect(found?.replace(/^.*\//, "")).toBe(at === undefined ? undefined : `etl.ts:${at}`);
});

test("a file that is a link: the first frame of the user's, not one of pipeloom's", () => {
  const ours = join(import.meta.dir, "../../src/base/stack.ts");
  using folder = tempFolder();
  const target = join(folder.path, "target.ts");
  writeFileSync(target, "");
  const stack = `Error: no\n    at f (${ours}:1:2)\n    at /$bunfs/root/chunk.js:2:610\n    at ${target}:3:7`;
  expect(userFrame(stack, join(folder.path, "link.ts"))).toEndWith("target.ts:3:7");
});

test("a message of one long line: the square of its length would take minutes", () => {
  for (const part of ["y", "1:", ":1", "(", " a"]) {
    const stack = `Error: ${part.repeat(300_000)}\n    at run (${own}:3:7)`;
    expect(userFrame(stack, own)).toEndWith("etl.ts:3:7");
  }
});
