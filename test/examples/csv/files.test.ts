// Which files are meant: by files, folders and patterns.

import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findCsvFiles, newFiles } from "../../../src/examples/csv/files.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";

const names = ["a.csv", "b.csv.gz", "c.tsv", "notes.md", ".hidden.csv", "sub/d.csv", "odd.dat"];

function filled(): TempFolder {
  const folder = tempFolder();
  mkdirSync(join(folder.path, "sub"));
  for (const name of names) writeFileSync(join(folder.path, name), name);
  return folder;
}

test.each([
  [["a.csv"], ["a.csv"]],
  [
    ["c.tsv", "a.csv"],
    ["c.tsv", "a.csv"],
  ],
  [["."], ["a.csv", "b.csv.gz", "c.tsv"]],
  [["*.csv"], ["a.csv"]],
  [["*.csv*"], ["a.csv", "b.csv.gz"]],
  [["**/*.csv"], ["a.csv", "sub/d.csv"]],
  [["{a,c}.?sv"], ["a.csv", "c.tsv"]],
  // Whatever a person names, also what does not look like data.
  [["*.dat"], ["odd.dat"]],
  [
    ["sub", "a.csv"],
    ["sub/d.csv", "a.csv"],
  ],
])("%j", async (sources, expected) => {
  using folder = filled();
  const { files } = await findCsvFiles(sources.map((source) => join(folder.path, source)));
  expect(files).toEqual(expected.map((name) => join(folder.path, name)));
});

test("a file that two sources name is read once, and that is said if its names differ", async () => {
  using folder = filled();
  const [a, link] = [join(folder.path, "a.csv"), join(folder.path, "link.csv")];
  symlinkSync("a.csv", link);
  expect(await findCsvFiles([a, join(folder.path, "*.csv")])).toEqual({
    files: [a],
    notes: [{ level: "warn", text: `${link} is skipped: it is the same file as ${a}` }],
  });
});

test("a name with the characters of a pattern is a name if there is such a file", async () => {
  using folder = filled();
  const path = join(folder.path, "sales [2026].csv");
  writeFileSync(path, "");
  expect((await findCsvFiles([path])).files).toEqual([path]);
});

test.each([
  ["missing", "missing: there is no such file or folder"],
  ["b.csv.gs", "b.csv.gs: there is no such file or folder; did you mean {}/b.csv.gz?"],
  ["x*.csv", "x*.csv: no file matches this pattern"],
  ["s*", "s*: no file matches this pattern"],
  ["empty", "empty: no .csv, .tsv or .txt file in this folder; x.csv.zip is skipped: its name"],
])("%s is refused", async (source, message) => {
  using folder = filled();
  mkdirSync(join(folder.path, "empty"));
  writeFileSync(join(folder.path, "empty", "x.csv.zip"), "");
  const found = findCsvFiles([join(folder.path, source)]);
  expect(found).rejects.toThrow(message.replaceAll("{}", folder.path));
  await found.catch(() => undefined);
});

test("files added after a folder was listed are found", async () => {
  using folder = filled();
  const sources = [folder.path, join(folder.path, "gone")];
  const { files } = await findCsvFiles([folder.path]);
  expect(await newFiles(sources, files)).toEqual([]);
  writeFileSync(join(folder.path, "later.csv"), "a\n2\n");
  expect(await newFiles(sources, files)).toEqual([join(folder.path, "later.csv")]);
});
