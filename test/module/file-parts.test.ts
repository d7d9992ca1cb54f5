// The content of declared files. That a file is not read again is seen by a hash that is not its content's.

import { expect, test } from "bun:test";
import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { FileParts } from "../../src/module/file-parts.ts";
import type { FilePart } from "../../src/protocol/reuse.ts";
import { tempFolder } from "../support/temp-folder.ts";

const long = 1_000_000_000;

function project(): { readonly path: string; [Symbol.dispose](): void } {
  const folder = tempFolder();
  writeFileSync(join(folder.path, "a.csv"), "1");
  utimesSync(join(folder.path, "a.csv"), long, long);
  return folder;
}

async function onlyPart(parts: FileParts, pattern: string): Promise<FilePart> {
  const [part, ...others] = await parts.all([pattern]);
  if (part === undefined || others.length > 0) throw new Error(`${pattern} is not one file`);
  return part;
}

test("a file that is as it was is not read again; another time, and it is", async () => {
  using folder = project();
  const first = await onlyPart(new FileParts(folder.path, []), "a.csv");
  expect(first.stat).toBeString();
  const known = [{ ...first, hash: "as stored" }];
  expect(await onlyPart(new FileParts(folder.path, known), "a.csv")).toEqual({
    ...first,
    hash: "as stored",
  });
  utimesSync(join(folder.path, "a.csv"), long + 1, long + 1);
  expect((await onlyPart(new FileParts(folder.path, known), "a.csv")).hash).toBe(first.hash);
});

test("a file that was just written is read, also where size, inode and times are the same", async () => {
  using folder = project();
  writeFileSync(join(folder.path, "new.csv"), "1");
  const part = await onlyPart(new FileParts(folder.path, []), "new.csv");
  expect(part).not.toHaveProperty("stat");
});

test("a missing file, a folder, and what changes meanwhile", async () => {
  using folder = project();
  const parts = new FileParts(folder.path, []);
  expect(await onlyPart(parts, "none.csv")).toEqual({ path: "none.csv", hash: null });
  mkdirSync(join(folder.path, "in/deep"), { recursive: true });
  writeFileSync(join(folder.path, "in/deep/b.csv"), "1");
  const before = await onlyPart(parts, "in");
  expect(await parts.areAsRead(["in", "none.csv", "never asked"])).toBeTrue();
  writeFileSync(join(folder.path, "in/deep/b.csv"), "2");
  expect(await parts.areAsRead(["in"])).toBeFalse();
  expect((await onlyPart(new FileParts(folder.path, []), "in")).hash).not.toBe(before.hash);
  writeFileSync(join(folder.path, "none.csv"), "");
  expect(await parts.areAsRead(["none.csv"])).toBeFalse();
});

test("what cannot be read is never the same", async () => {
  using folder = project();
  symlinkSync("circle", join(folder.path, "circle"));
  const [one, other] = [new FileParts(folder.path, []), new FileParts(folder.path, [])];
  const hash = (await onlyPart(one, "circle")).hash;
  expect(hash).toStartWith("not readable");
  expect((await onlyPart(other, "circle")).hash).not.toBe(hash);
});

const pathsOf = async (folder: string, ...patterns: string[]): Promise<string[]> =>
  (await new FileParts(folder, []).all(patterns)).map(({ path }) => path);

test("a pattern is the files that it matches, sorted, each once", async () => {
  using folder = project();
  for (const name of ["z.csv", "b.csv", "c.txt", ".hidden.csv", "deep/d.csv", "[x].csv"])
    await Bun.write(join(folder.path, name), name);
  symlinkSync("c.txt", join(folder.path, "link.csv"));
  expect(await pathsOf(folder.path, "b.csv", "*.csv")).toEqual([
    "b.csv",
    "[x].csv",
    "a.csv",
    "link.csv",
    "z.csv",
  ]);
  expect(await pathsOf(folder.path, "**/[a-d].{csv,txt}")).toEqual([
    "a.csv",
    "b.csv",
    "c.txt",
    "deep/d.csv",
  ]);
  // A file of this very name.
  expect(await pathsOf(folder.path, "[x].csv")).toEqual(["[x].csv"]);
  expect(await pathsOf(`${folder.path}/deep`, "../[ab].csv")).toEqual(["../a.csv", "../b.csv"]);
});

test("a pattern that matches nothing, and one that matches more or less than before", async () => {
  using folder = project();
  const parts = new FileParts(folder.path, []);
  expect(await parts.all(["in/*.csv"])).toEqual([{ path: "in/*.csv", hash: null }]);
  await parts.all(["*.csv"]);
  expect(await parts.areAsRead(["in/*.csv", "*.csv"])).toBeTrue();
  await Bun.write(join(folder.path, "in/1.csv"), "1");
  expect(await parts.areAsRead(["in/*.csv"])).toBeFalse();
  await Bun.write(join(folder.path, "b.csv"), "1");
  expect(await parts.areAsRead(["*.csv"])).toBeFalse();
  rmSync(join(folder.path, "b.csv"));
  expect(await parts.areAsRead(["*.csv"])).toBeTrue();
  writeFileSync(join(folder.path, "a.csv"), "2");
  expect(await parts.areAsRead(["*.csv"])).toBeFalse();
});
