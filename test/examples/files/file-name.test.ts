import { expect, test } from "bun:test";
import { fileNameOf, uniqueNames } from "../../../src/examples/files/file-name.ts";

test("names from addresses cannot leave the folder or name a device", () => {
  const names: Record<string, string> = {
    "https://x/a/b.txt?q=1#f": "b.txt",
    "https://x/": "download",
    "https://x/%2e%2e%2f%2e%2e%2fetc%2fpasswd": "_.._etc_passwd",
    "https://x/..%5c..%5cwin.ini": "_.._win.ini",
    "https://x/%2e%2e": "download",
    "https://x/.bashrc": "bashrc",
    "https://x/CON.txt": "_CON.txt",
    "https://x/a%00b%0a.txt": "a_b_.txt",
    "https://x/%E2%80%AEgpj.exe": "_gpj.exe",
    "https://x/a%E2%80%8Bb%C2%85c%E2%80%A8d": "a_b_c_d",
    "https://x/bad%E0%A4%A": "bad%E0%A4%A",
    "https://x/dots...": "dots",
  };
  for (const [url, name] of Object.entries(names))
    expect([url, fileNameOf(url)]).toEqual([url, name]);
  const long = fileNameOf(`https://x/${"a".repeat(500)}.tar.gz`);
  expect([long.length, long.endsWith(".tar.gz")]).toEqual([200, true]);
  const wide = fileNameOf(`https://x/${encodeURIComponent("🜁".repeat(200))}.csv`);
  expect(wide).toBe(`${"🜁".repeat(49)}.csv`);
  expect(uniqueNames(["https://x/a.txt", "https://y/A.txt", "https://z/a.txt"])).toEqual([
    "a.txt",
    "A-2.txt",
    "a-3.txt",
  ]);
});

test("a name never equals another download's part or record, in any order", () => {
  const [file, part] = ["https://x/a.bin", "https://x/a.bin.part"];
  expect(uniqueNames([file, part])).toEqual(["a.bin", "a.bin-2.part"]);
  expect(uniqueNames([part, file])).toEqual(["a.bin.part", "a-2.bin"]);
  expect(uniqueNames(["https://x/%C3%A9", "https://x/e%CC%81"])).toEqual(["é", "e\u0301-2"]);
});

test("an address keeps its name when the list changes", () => {
  const known = new Map([
    ["https://x/a/f.csv", "f.csv"],
    ["https://x/b/f.csv", "f-2.csv"],
  ]);
  expect(uniqueNames(["https://x/b/f.csv"], known)).toEqual(["f-2.csv"]);
  expect(uniqueNames(["https://x/c/f.csv"], known)).toEqual(["f-3.csv"]);
});
