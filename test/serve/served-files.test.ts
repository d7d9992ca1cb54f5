// The files that serve knows of, while they change.

import { expect, test } from "bun:test";
import { renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import { ServedFiles } from "../../src/serve/served-files.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { HeldClock } from "./simulated-world.ts";

test("a file that is renamed is gone before it is served under its new name: it is no second one of its pipeline", async () => {
  using folder = tempFolder();
  const path = (name: string): string => join(folder.path, name);
  writeFileSync(path("a.ts"), 'import { pipeline } from "pipeloom"; export default pipeline({});');
  const heard: string[] = [];
  let describe = Promise.withResolvers<void>();
  const files = new ServedFiles([{ kind: "folder", path: folder.path }], {
    clock: new HeldClock(0),
    async describe() {
      await describe.promise;
      return { stamps: [], result: { kind: "loaded", pipelines: [] } };
    },
    maxChildren: 2,
    onDescribed: ({ file }) => void heard.push(`described ${basename(file)}`),
    onRemoved: ({ file }) => void heard.push(`removed ${basename(file)}`),
    watch: () => undefined,
  });
  const described = async (): Promise<void> => {
    describe.resolve();
    await Bun.sleep(0);
    describe = Promise.withResolvers();
  };
  files.look();
  await described();
  renameSync(path("a.ts"), path("b.ts"));
  files.look();
  await described();
  expect(heard).toEqual(["described a.ts", "removed a.ts", "described b.ts"]);
  files.end();
});

test("a file that an editor takes away for a moment is not removed", async () => {
  using folder = tempFolder();
  const path = (name: string): string => join(folder.path, name);
  const text = 'import { pipeline } from "pipeloom"; export default pipeline({});';
  writeFileSync(path("a.ts"), text);
  const removed: string[] = [];
  const files = new ServedFiles([{ kind: "folder", path: folder.path }], {
    clock: new HeldClock(0),
    describe: async () => ({ stamps: [], result: { kind: "loaded", pipelines: [] } }),
    maxChildren: 2,
    onDescribed: () => undefined,
    onRemoved: ({ file }) => void removed.push(basename(file)),
    watch: () => undefined,
  });
  files.look();
  await Bun.sleep(0);
  renameSync(path("a.ts"), path("a.ts.swp"));
  writeFileSync(path("b.ts"), text);
  files.look();
  renameSync(path("a.ts.swp"), path("a.ts"));
  await Bun.sleep(0);
  files.look();
  files.look();
  expect(removed).toEqual([]);
  files.end();
});

test("since when a file has been asked for its schedules is told, also where others come first", async () => {
  using folder = tempFolder();
  for (const name of ["a.ts", "b.ts"]) {
    const text = 'import { pipeline } from "pipeloom"; export default pipeline({});';
    writeFileSync(join(folder.path, name), text);
  }
  const clock = new HeldClock(1_000);
  const since: number[] = [];
  const files = new ServedFiles([{ kind: "folder", path: folder.path }], {
    clock,
    async describe() {
      await new Promise<void>((resolve) => void clock.after(5_000, resolve));
      return { stamps: [], result: { kind: "loaded", pipelines: [] } };
    },
    maxChildren: 1,
    onDescribed: (_, __, at) => void since.push(at),
    onRemoved: () => undefined,
    watch: () => undefined,
  });
  files.look();
  await clock.pass(12_000);
  expect(since).toEqual([1_000, 1_000]);
  files.end();
});
