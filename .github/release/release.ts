// Builds a release: `release/` is uploaded to GitHub, `npm/` is published, `bin/` has the executables for both.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { commandTable } from "../../src/commands/command-table.ts";
import { reference } from "../../src/commands/docs/reference.ts";
import { renderMan } from "../../src/commands/docs/render-man.ts";
import { tarGz } from "./archive.ts";
import { commitName, compile, root } from "./compile.ts";
import { homebrewFormula } from "./homebrew.ts";
import { writeNpmPackages } from "./npm-packages.ts";
import { executableName, targets } from "./targets.ts";
import type { Target } from "./targets.ts";

type Built = { readonly target: Target; readonly executable: string };

/** @param dist the output folder */
export async function buildRelease(dist: string): Promise<void> {
  const built = await buildTargets(dist, targets);
  const release = join(dist, "release");
  rmSync(release, { recursive: true, force: true });
  mkdirSync(release, { recursive: true });
  const checksums = new Map<string, string>();
  for (const each of built) checksums.set(each.target.name, await writeArchive(release, each));
  for (const script of ["install.sh", "install.ps1"]) {
    await Bun.write(join(release, script), Bun.file(join(root, ".github", script)));
  }
  await Bun.write(join(release, "pipeloom.rb"), homebrewFormula(checksums));
  await writeChecksums(release);
  await writeNpmPackages(join(dist, "npm"), built);
}

/** Sequential: each build needs a core and 500 MB. */
export async function buildTargets(dist: string, wanted: readonly Target[]): Promise<Built[]> {
  const commit = await commitName();
  const built: Built[] = [];
  for (const target of wanted) {
    const executable = join(dist, "bin", target.name, executableName(target.os));
    await compile(executable, target, commit);
    console.error(`built ${target.name}`);
    built.push({ target, executable });
  }
  return built;
}

export const archiveName = (target: Target): string => `pipeloom-${target.name}.tar.gz`;

/** Of the same definitions as `pipeloom docs --format man`. */
const manPage = async (): Promise<Uint8Array<ArrayBuffer>> =>
  new TextEncoder().encode(renderMan(await reference(commandTable)));

/** @returns the archive's SHA-256 */
async function writeArchive(folder: string, { target, executable }: Built): Promise<string> {
  const files = [
    { name: executableName(target.os), path: executable, executable: true },
    { name: "LICENSE", path: join(root, "LICENSE"), executable: false },
    { name: "README.md", path: join(root, "README.md"), executable: false },
  ].map(async ({ path, ...entry }) => ({ ...entry, data: await Bun.file(path).bytes() }));
  const page = { name: "pipeloom.1", data: await manPage(), executable: false };
  const bytes = tarGz([...(await Promise.all(files)), page]);
  await Bun.write(join(folder, archiveName(target)), bytes);
  return sha256(bytes);
}

const sha256 = (bytes: Uint8Array<ArrayBuffer>): string =>
  new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

/** In the format of `sha256sum -c`. */
async function writeChecksums(folder: string): Promise<void> {
  const names = await Array.fromAsync(new Bun.Glob("*").scan({ cwd: folder }));
  const lines = names.toSorted().map(async (name) => {
    return `${sha256(await Bun.file(join(folder, name)).bytes())}  ${name}\n`;
  });
  await Bun.write(join(folder, "SHA256SUMS"), (await Promise.all(lines)).join(""));
}
