// The npm packages, as folders for `npm publish`: one for each system with its executable, and `pipeloom` with a launcher and
// the library for Bun. `pipeloom` lists the others as optional dependencies, and npm installs the one that fits.

import { chmodSync, copyFileSync, linkSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import manifest from "../../package.json";
import { makeDeclarations } from "./kit/declarations.ts";
import { makeLibrary } from "./kit/library.ts";
import { root } from "./compile.ts";
import { executableName } from "./targets.ts";
import type { Target } from "./targets.ts";

const { version, description, license, repository } = manifest;
/** Scoped packages are private by default. */
const publishConfig = { access: "public", provenance: true };
const about = { version, description, license, repository, publishConfig };

const packageName = (target: Target): string => `@pipeloom/${target.name}`;

type Built = { readonly target: Target; readonly executable: string };

/** Fills `folder`/`pipeloom` and a folder for each target. */
export async function writeNpmPackages(folder: string, built: readonly Built[]): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  for (const each of built) await writePlatformPackage(join(folder, each.target.name), each);
  const names = built.map(({ target }) => packageName(target));
  await writeMainPackage(join(folder, "pipeloom"), names);
}

async function writePlatformPackage(folder: string, { target, executable }: Built): Promise<void> {
  const { os, cpu, libc } = target;
  await writeJson(join(folder, "package.json"), {
    name: packageName(target),
    ...about,
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    files: [executableName(os)],
    preferUnplugged: true, // Yarn keeps packages zipped, and cannot run an executable in there
  });
  placeExecutable(executable, join(folder, executableName(os)));
}

/** A hard link to the 107 MB, or a copy where the file system has no links. */
function placeExecutable(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
    chmodSync(to, 0o755);
  }
}

async function writeMainPackage(folder: string, platforms: readonly string[]): Promise<void> {
  const library = { ...(await makeLibrary(root)), "index.d.ts": await makeDeclarations(root) };
  for (const [path, text] of Object.entries(library)) {
    await Bun.write(join(folder, "lib", path), text);
  }
  for (const name of ["pipeloom.js", "needs-bun.js"]) {
    await Bun.write(join(folder, "bin", name), Bun.file(join(import.meta.dir, "npm", name)));
  }
  chmodSync(join(folder, "bin/pipeloom.js"), 0o755);
  for (const name of ["README.md", "LICENSE"]) {
    await Bun.write(join(folder, name), Bun.file(join(root, name)));
  }
  await writeJson(join(folder, "package.json"), {
    name: "pipeloom",
    ...about,
    type: "module",
    bin: { pipeloom: "bin/pipeloom.js" },
    exports: {
      ".": { types: "./lib/index.d.ts", bun: "./lib/index.js", default: "./bin/needs-bun.js" },
      "./package.json": "./package.json",
    },
    engines: { node: ">=18", bun: manifest.engines.bun },
    optionalDependencies: Object.fromEntries(platforms.map((name) => [name, version])),
  });
}

async function writeJson(path: string, value: unknown): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  await Bun.write(path, `${JSON.stringify(value, undefined, 2)}\n`);
}
