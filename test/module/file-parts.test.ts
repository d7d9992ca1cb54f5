// The content of declared files. That a file is not read again is seen by a hash that is not its content's.

import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { FileParts } from "../../src/module/file-parts.ts";
import { tempFolder } from "../support/temp-folder.ts";

const long = 1_000_000_000;

function project(): { readonly path: string; [Symbol.dispose](): void } {
  const folder = tempFolder();
  writeFileSync(join(folder.path, "a.csv"), "1");
  utimesSync(join(folder.path, "a.csv"), long, long);
  return folder;
}

test("a file that is as it was is not read again; another time, and it is", async () => {
  using folder = project();
  const first = await new FileParts(folder.path, []).of("a.csv");
  expect(first.stat).toBeString();
  const known = [{ ...first, hash: "as stored" }];
  expect(await new FileParts(folder.path, known).of("a.csv")).toEqual({
    ...first,
    hash: "as stored",
  });
  utimesSync(join(folder.path, "a.csv"), long + 1, long + 1);
  expect((await new FileParts(folder.path, known).of("a.csv")).hash).toBe(first.hash);
});

test("a file that was just written is read, also where size, inode and times are the same", async () => {
  using folder = project();
  writeFileSync(join(folder.path, "new.csv"), "1");
  const part = await new FileParts(folder.path, []).of("new.csv");
  expect(part).not.toHaveProperty("stat");
});

test("a missing file, a folder, and what changes meanwhile", async () => {
  using folder = project();
  const parts = new FileParts(folder.path, []);
  expect(await parts.of("none.csv")).toEqual({ path: "none.csv", hash: null });
  mkdirSync(join(folder.path, "in/deep"), { recursive: true });
  writeFileSync(join(folder.path, "in/deep/b.csv"), "1");
  const before = await parts.of("in");
  expect(await parts.areAsRead(["in", "none.csv", "never asked"])).toBeTrue();
  writeFileSync(join(folder.path, "in/deep/b.csv"), "2");
  expect(await parts.areAsRead(["in"])).toBeFalse();
  expect((await new FileParts(folder.path, []).of("in")).hash).not.toBe(before.hash);
  writeFileSync(join(folder.path, "none.csv"), "");
  expect(await parts.areAsRead(["none.csv"])).toBeFalse();
});

test("what cannot be read is never the same", async () => {
  using folder = project();
  symlinkSync("circle", join(folder.path, "circle"));
  const [one, other] = [new FileParts(folder.path, []), new FileParts(folder.path, [])];
  const hash = (await one.of("circle")).hash;
  expect(hash).toStartWith("not readable");
  expect((await other.of("circle")).hash).not.toBe(hash);
});
