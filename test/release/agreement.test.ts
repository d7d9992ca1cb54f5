// Facts that several files repeat must be equal in all of them: versions, addresses, names of targets.

import { expect, test } from "bun:test";
import { join, resolve } from "node:path";

import { homebrewFormula } from "../../.github/release/homebrew.ts";
import { hostTarget } from "../../.github/release/compile.ts";
import { archiveName } from "../../.github/release/release.ts";
import { targets } from "../../.github/release/targets.ts";
import manifest from "../../package.json";

const root = resolve(import.meta.dir, "../..");
const read = (path: string): Promise<string> => Bun.file(join(root, path)).text();

test("the same Bun everywhere", async () => {
  const { packageManager } = manifest;
  const files = [
    ".ci/run",
    ".github/workflows/ci.yml",
    ".github/workflows/release.yml",
    "Dockerfile",
  ];
  for (const path of [...files, "README.md"]) {
    const named = (await read(path)).match(/\bbun@[\d.]+\d/g) ?? [];
    expect(named.length).toBeGreaterThan(0);
    expect([path, ...new Set(named)]).toEqual([path, packageManager]);
  }
});

test("the same address everywhere", async () => {
  for (const path of [".github/install.sh", ".github/install.ps1", "README.md", "Dockerfile"]) {
    const addresses = (await read(path)).match(/https:\/\/github\.com\/[\w-]+\/[\w-]+/g) ?? [];
    expect([path, ...new Set(addresses)]).toEqual([path, manifest.homepage]);
  }
});

test("actions are pinned to commits", async () => {
  for await (const path of new Bun.Glob("*.yml").scan(join(root, ".github/workflows"))) {
    const used = (await read(`.github/workflows/${path}`)).matchAll(/uses: (.*)/g);
    for (const [, action] of used) expect(action).toMatch(/^[\w-]+\/[\w-]+@[\da-f]{40} # v\d/);
  }
});

test("the launcher knows every target's package", async () => {
  const launcher = await read(".github/release/npm/pipeloom.js");
  expect(launcher).toContain("`@pipeloom/${os}-${arch}${");
  for (const { name, os, cpu, libc } of targets) {
    const system = os === "win32" ? "windows" : os;
    expect(name).toBe(`${system}-${cpu}${libc === "musl" ? "-musl" : ""}`);
  }
});

test("this machine is one of the targets, and its archive is named after it", () => {
  const host = hostTarget();
  expect({ os: host.os, cpu: host.cpu }).toEqual({
    os: process.platform,
    cpu: process.arch,
  } as never);
  expect(archiveName(host)).toStartWith(`pipeloom-${host.name}.`);
});

test("a formula needs the archives of all its systems", () => {
  const sums = new Map(targets.map(({ name }) => [name, "0".repeat(64)]));
  expect(homebrewFormula(sums)).toContain(
    `/download/v${manifest.version}/pipeloom-darwin-arm64.tar.gz`,
  );
  sums.delete("linux-arm64");
  expect(() => homebrewFormula(sums)).toThrow("the formula needs the archive for linux-arm64");
});
