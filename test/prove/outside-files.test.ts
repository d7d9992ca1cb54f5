import { expect, test } from "bun:test";
import { appendFileSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  contentOf,
  effectOf,
  fileDifference,
  OutsideFiles,
  writtenBetween,
} from "../../src/prove/outside-files.ts";
import { tempFolder } from "../support/temp-folder.ts";

test("finds the files that were written, also in folders below", () => {
  using folder = tempFolder();
  const file = (name: string): string => join(folder.path, name);
  for (const name of ["below", "node_modules", ".git"]) mkdirSync(file(name));
  for (const name of ["same", "x.db", "grows", "node_modules/x", ".git/x"])
    writeFileSync(file(name), "1");
  const files = new OutsideFiles([file("below"), folder.path], (path) => path === file("x.db"));
  const before = files.look();
  for (const name of ["x.db", "grows", "below/new", "node_modules/x", ".git/x"])
    appendFileSync(file(name), "22");
  expect(writtenBetween(before, files.look()).toSorted()).toEqual([
    file("below/new"),
    file("grows"),
  ]);
  expect(contentOf(file("grows"))).toBe("122");
  expect(contentOf(file("missing"))).toBeUndefined();
});

test("a file that is too large to be compared is not read", () => {
  using folder = tempFolder();
  const path = join(folder.path, "large");
  writeFileSync(path, "");
  truncateSync(path, 512 * 1024 * 1024);
  const before = process.resourceUsage().maxRSS;
  expect(contentOf(path)).toBeUndefined();
  // In KiB.
  expect(process.resourceUsage().maxRSS - before).toBeLessThan(256 * 1024);
});

test("a file that each run leaves the same must be so after kills", () => {
  const effect = effectOf(["a,1\n", "a,1\n"]);
  expect(fileDifference("f", effect, "a,1\n", "a,1\n")).toBeUndefined();
  expect(fileDifference("f", effect, "a,1\n", "a,2\n")).toMatchObject({ undisturbed: "4 bytes" });
  expect(fileDifference("f", effect, "a,1\n", undefined)).toMatchObject({ found: "no such file" });
});

test("of a file that grows with each run, the lines are counted", () => {
  const effect = effectOf(["at 1\nat 2\n", "at 1\nat 2\nat 3\nat 4\n"]);
  const before = "at 1\nat 2\nat 3\nat 4\n";
  expect(fileDifference("f", effect, before, `${before}at 5\nat 6\n`)).toBeUndefined();
  expect(fileDifference("f", effect, before, `${before}at 5\nat 5\nat 6\n`)).toEqual({
    path: "f",
    undisturbed: "2 lines appended",
    found: "3 lines appended",
  });
});

test("a file that each run writes differently cannot be compared", () => {
  const effect = effectOf(["at 10:00", "at 10:01"]);
  expect(fileDifference("f", effect, "at 10:01", "at 10:02")).toBeUndefined();
});
