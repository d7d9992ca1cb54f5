// The archives that the build writes by hand, read by others' tools.

import { describe, expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

import * as fc from "fast-check";
import { tarGz, zip } from "../../.github/release/archive.ts";
import type { Entry } from "../../.github/release/archive.ts";
import { unpack } from "../../src/commands/upgrade/unpack.ts";
import { tempFolder } from "../support/temp-folder.ts";

const entries: readonly Entry[] = [
  { name: "pipeloom", data: new Uint8Array(100_000).map((_, i) => i % 251), executable: true },
  { name: "LICENSE", data: new TextEncoder().encode("MIT"), executable: false },
  { name: "empty", data: new Uint8Array(), executable: false },
];

const tools: readonly [string, (entries: readonly Entry[]) => Uint8Array<ArrayBuffer>, string[]][] =
  [
    ["tar", tarGz, ["tar", "-xzf"]],
    ["unzip", zip, ["unzip", "-q"]],
  ];

describe.skipIf(process.platform === "win32")("unpacked", () => {
  for (const [name, pack, command] of tools) {
    test.skipIf(Bun.which(name) === null)(
      `by ${name}: every byte, and what is executable`,
      async () => {
        using folder = tempFolder();
        const archive = join(folder.path, "archive");
        await Bun.write(archive, pack(entries));
        const child = Bun.spawn([...command, archive], { cwd: folder.path, stderr: "pipe" });
        expect(await child.stderr.text()).toBe("");
        expect(await child.exited).toBe(0);
        expect(readdirSync(folder.path).toSorted()).toEqual([
          "LICENSE",
          "archive",
          "empty",
          "pipeloom",
        ]);
        for (const { name: file, data, executable } of entries) {
          const path = join(folder.path, file);
          expect(await Bun.file(path).bytes()).toEqual(data);
          expect(statSync(path).mode & 0o777).toBe(executable ? 0o755 : 0o644);
        }
      },
    );
  }
});

test("equal contents make equal archives", () => {
  expect(tarGz(entries)).toEqual(tarGz(entries));
  expect(zip(entries)).toEqual(zip(entries));
});

test("whatever is in a file, `pipeloom upgrade` gets it out again", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 3000 }),
      fc.boolean(),
      async (bytes, executable) => {
        const data = new Uint8Array(bytes);
        const both = [{ name: "other", data: new Uint8Array(513), executable: false }];
        const all = [...both, { name: "pipeloom", data, executable }];
        expect(await unpack(tarGz(all), "tar.gz", "pipeloom")).toEqual(data);
        expect(await unpack(zip(all), "zip", "pipeloom")).toEqual(data);
      },
    ),
    { numRuns: 50 },
  );
});
