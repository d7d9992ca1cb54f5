// Writes the kit's packages into a project's node_modules. A package that the user installed is never replaced. A
// package that pipeloom wrote contains a mark file, and is replaced when another version of pipeloom wrote it.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import type { TextFiles } from "./kit.ts";

const marker = ".from-pipeloom";

/** The packages that `writeModules` would write. */
export const missingModules = (folder: string, modules: TextFiles): string[] =>
  packagesOf(modules)
    .filter(({ name, hash }) => mayWrite(join(folder, "node_modules", name), hash))
    .map(({ name }) => name);

/**
 * @param folder the project
 * @returns the names of the packages that were written; empty when all are up to date
 */
export function writeModules(folder: string, modules: TextFiles): string[] {
  return packagesOf(modules).flatMap(({ name, hash, files }) => {
    const target = join(folder, "node_modules", name);
    if (!mayWrite(target, hash)) return [];
    writePackage(target, [...files, [marker, hash]]);
    return [name];
  });
}

type Package = {
  readonly name: string;
  readonly hash: string;
  /** Path in the package, and text. */
  readonly files: readonly [string, string][];
};

const packagesOf = (modules: TextFiles): Package[] =>
  Object.entries(Object.groupBy(Object.entries(modules), ([path]) => owner(path))).map(
    ([name, files = []]) => ({
      name,
      hash: Bun.hash(JSON.stringify(files)).toString(16),
      files: files.map(withoutOwner),
    }),
  );

/** `@types/node/fs.d.ts` → `@types/node` */
const owner = (path: string): string => path.split("/", path.startsWith("@") ? 2 : 1).join("/");

const withoutOwner = ([path, text]: [string, string]): [string, string] => [
  path.slice(owner(path).length + 1),
  text,
];

function mayWrite(target: string, hash: string): boolean {
  if (!existsSync(target)) return true;
  const written = join(target, marker);
  return existsSync(written) && readFileSync(written, "utf8") !== hash;
}

/** Atomic (rename), because an editor may read the package during the write. */
function writePackage(target: string, files: readonly [string, string][]): void {
  const fresh = `${target}.${process.pid}.new`;
  try {
    for (const [path, text] of files) {
      mkdirSync(dirname(join(fresh, path)), { recursive: true });
      writeFileSync(join(fresh, path), text);
    }
    rmSync(target, { recursive: true, force: true });
    renameSync(fresh, target);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
