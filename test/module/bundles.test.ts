// What travels to other machines: the code as one text, and the declared files.

import { expect, test } from "bun:test";
import { truncateSync } from "node:fs";
import { join } from "node:path";

import { toFailure } from "../../src/base/failure.ts";
import { bundleFiles } from "../../src/module/bundle-files.ts";
import { bundleOf } from "../../src/module/code-bundle.ts";
import { newRig } from "../support/rig.ts";

test("declared files by their paths: files, folders, patterns; each once, and none from outside", async () => {
  await using rig = newRig();
  for (const name of ["data/a.csv", "data/b.csv", "data/deep/.c", "x.sql"]) {
    await Bun.write(rig.file(name), name);
  }
  const declared = ["./x.sql", "data", "data/*.csv", "../out", "/etc/hosts", "none", "no*"];
  const files = bundleFiles(rig.path, declared);
  const contents = Object.entries(JSON.parse(files?.text ?? "{}") as Record<string, string>);
  expect(contents.map(([path, text]) => [path, Buffer.from(text, "base64").toString()])).toEqual([
    ["data/a.csv", "data/a.csv"],
    ["data/b.csv", "data/b.csv"],
    ["data/deep/.c", "data/deep/.c"],
    ["x.sql", "x.sql"],
  ]);
  expect(bundleFiles(rig.path, ["x.sql", "data"])?.hash).toBe(String(files?.hash));
  rig.write("x.sql", "another");
  expect(bundleFiles(rig.path, declared)?.hash).not.toBe(String(files?.hash));
  expect(bundleFiles(rig.path, ["none", "../out"])).toBeUndefined();
});

test("files that are too large are named", async () => {
  await using rig = newRig();
  for (const [name, megabytes] of [
    ["small", 1],
    ["large", 33],
  ] as const) {
    truncateSync(rig.write(name, ""), megabytes * 1024 * 1024);
  }
  expect(() => bundleFiles(rig.path, ["small", "large"])).toThrow(
    "come to 34 MB, and 32 MB at most travel to other machines: large (33 MB), small (1 MB)",
  );
});

test("code that cannot travel is refused by name", async () => {
  await using rig = newRig();
  await Bun.write(
    rig.file("node_modules/native/index.js"),
    'module.exports = require("./build/it.node");',
  );
  await Bun.write(rig.file("node_modules/native/build/it.node"), "x");
  await Bun.write(rig.file("node_modules/native/package.json"), '{"name":"native"}');
  await Bun.write(rig.file("img/logo.png"), "x");
  rig.write("native.ts", 'export default () => import("native");');
  rig.write("image.ts", 'export { default } from "./img/logo.png" with { type: "file" };');
  await Bun.write(rig.file("node_modules/@a/late/index.js"), "module.exports = (p) => require(p);");
  await Bun.write(rig.file("node_modules/@a/late/binding.gyp"), "{}");
  await Bun.write(rig.file("node_modules/plain/index.js"), "module.exports = 1;");
  rig.write("late.ts", 'export { default } from "@a/late"; export { default as b } from "plain";');
  expect((await bundleOf(join(rig.path, "late.ts"), [])).natives).toEqual(["@a/late"]);
  const refusal = async (name: string): Promise<string> => {
    const bundled = bundleOf(join(rig.path, name), []);
    return bundled.then(
      () => "no refusal",
      (thrown: unknown) => toFailure(thrown).message,
    );
  };
  expect(await refusal("native.ts")).toContain(
    "uses a native package (native/build/it.node), which other machines cannot get",
  );
  expect(await refusal("image.ts")).toContain(
    "imports files that are not code (img/logo.png), which other machines cannot get",
  );
});

test("stacks of the code name the files that it was made of", async () => {
  await using rig = newRig();
  const file = rig.write(
    "etl.ts",
    'import { fail } from "./lib/fail.ts";\n\ntype A = number;\nexport function go(a: A): void {\n  fail(a);\n}\n',
  );
  await Bun.write(
    rig.file("lib/fail.ts"),
    "\nexport function fail(a: number): never {\n  throw new Error(`${a}`);\n}\n",
  );
  const { text } = await bundleOf(file, []);
  const { go } = (await import(rig.write("elsewhere.js", text))) as {
    readonly go: (a: number) => void;
  };
  const [, ...frames] = (toFailure(caught(() => go(1))).stack ?? "").split("\n");
  expect(frames.slice(0, 2)).toEqual([
    `    at fail (${rig.file("lib/fail.ts")}:3:13)`,
    `    at go (${file}:5:3)`,
  ]);
});

function caught(work: () => void): unknown {
  try {
    work();
  } catch (thrown) {
    return thrown;
  }
  throw new Error("it does not throw");
}
