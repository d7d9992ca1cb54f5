// Code and declared files of runs, on the machine that runs them.

import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { toFailure } from "../../../src/base/failure.ts";
import { sha256 } from "../../../src/base/sha256.ts";
import { BundleFolder } from "../../../src/executors/redis/machine/bundle-folder.ts";

const code = "export default 1;";

/** A run's code and files, and what Redis has of them. */
function shared(files?: Record<string, string>) {
  const text = JSON.stringify(files);
  const texts = new Map([[sha256(code), code]]);
  if (files !== undefined) texts.set(sha256(text), text);
  const named: { hash: string; name: string; files?: string } = { hash: sha256(code), name: "etl" };
  return {
    named: files === undefined ? named : { ...named, files: sha256(text) },
    fetch: async (hash: string) => texts.get(hash) ?? null,
    texts,
  };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

test("files are beside the code, and gone with its last run", async () => {
  using bundles = new BundleFolder();
  const { named, fetch } = shared({ "data/ü.csv": base64("1;2"), "a b": base64("") });
  const found = await bundles.file(named, fetch);
  const again = await bundles.file(named, async () => null);
  const { path = "", folder = "" } = found ?? {};
  expect(again).toEqual(found);
  expect(readFileSync(path, "utf8")).toBe(code);
  expect(readFileSync(join(folder, "data/ü.csv"), "utf8")).toBe("1;2");
  bundles.release(named);
  expect(existsSync(path)).toBe(true);
  bundles.release(named);
  expect(existsSync(folder)).toBe(false);
});

test("two runs of the same code at the same time", async () => {
  using bundles = new BundleFolder();
  const { named, fetch } = shared({ a: base64("1") });
  const [one, two] = await Promise.all([bundles.file(named, fetch), bundles.file(named, fetch)]);
  expect(one?.folder).toBeString();
  expect(two).toEqual(one);
});

test("what is not there, or not what it is said to be, is not used", async () => {
  using bundles = new BundleFolder();
  const { named, fetch, texts } = shared({ a: base64("1") });
  expect(await bundles.file(named, async () => null)).toBeUndefined();
  texts.set(named.files ?? "", "{}");
  expect(await bundles.file(named, fetch)).toBeUndefined();
  expect(await bundles.file(shared().named, fetch)).toMatchObject({ folder: undefined });
});

test.each([
  ["outside of the folder", "../a", "is outside of its folder"],
  ["named as the code", "etl.js", "rename it"],
])("a file %s is refused", async (_, path, message) => {
  using bundles = new BundleFolder();
  const { named, fetch } = shared({ [path]: base64("1") });
  const refused = bundles.file(named, fetch).catch(toFailure);
  expect(await refused).toMatchObject({ message: expect.stringContaining(message) });
});
