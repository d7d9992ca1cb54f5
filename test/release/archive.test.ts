// The archives that the build writes, read by other tools.

import { expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

import * as fc from "fast-check";
import { tarGz } from "../../.github/release/archive.ts";
import type { Entry } from "../../.github/release/archive.ts";
import { unpack } from "../../src/commands/upgrade/replace.ts";
import { tempFolder } from "../support/temp-folder.ts";

const entries: readonly Entry[] = [
  { name: "pipeloom", data: new Uint8Array(100_000).map((_, i) => i % 251), executable: true },
  { name: "LICENSE", data: new TextEncoder().encode("MIT"), executable: false },
  { name: "empty", data: new Uint8Array(), executable: false },
];

test.skipIf(process.platform === "win32")(
  "tar unpacks every byte, and what is executable",
  async () => {
    using folder = tempFolder();
    const archive = join(folder.path, "archive");
    await Bun.write(archive, tarGz(entries));
    const child = Bun.spawn(["tar", "-xzf", archive], { cwd: folder.path, stderr: "pipe" });
    expect(await child.stderr.text()).toBe("");
    expect(await child.exited).toBe(0);
    expect(readdirSync(folder.path).toSorted()).toEqual([
      "LICENSE",
      "archive",
      "empty",
      "pipeloom",
    ]);
    for (const { name, data, executable } of entries) {
      const path = join(folder.path, name);
      expect(await Bun.file(path).bytes()).toEqual(data);
      expect(statSync(path).mode & 0o777).toBe(executable ? 0o755 : 0o644);
    }
  },
);

test("equal contents make equal archives", () => {
  expect(tarGz(entries)).toEqual(tarGz(entries));
});

test("whatever is in a file, `pipeloom upgrade` gets it out again", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 3000 }),
      fc.boolean(),
      async (bytes, executable) => {
        const data = new Uint8Array(bytes);
        const other = { name: "other", data: new Uint8Array(513), executable: false };
        const archive = tarGz([other, { name: "pipeloom", data, executable }]);
        expect(await unpack(archive, "pipeloom")).toEqual(data);
        expect(await unpack(archive, "pipeloom.exe")).toBeUndefined();
      },
    ),
    { numRuns: 50 },
  );
});
