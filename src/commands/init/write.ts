// Writes a project whole or not at all: everything is made in a folder beside it, then moved into place.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

import type { TextFiles } from "../../kit/kit.ts";
import { writeModules } from "../../kit/modules.ts";

/** What is there already and would become another file. A folder in a file's place cannot be overwritten. */
export type Conflicts = { readonly files: readonly string[]; readonly folders: readonly string[] };

export function conflictsIn(folder: string, files: TextFiles): Conflicts {
  const existing = Object.keys(files).filter((path) => existsSync(join(folder, path)));
  const isFolder = (path: string): boolean => statSync(join(folder, path)).isDirectory();
  return {
    folders: existing.filter(isFolder),
    files: existing.filter(
      (path) => !isFolder(path) && readFileSync(join(folder, path), "utf8") !== files[path],
    ),
  };
}

/**
 * Writes `files` into `folder`, over what is there, and `modules` into its node_modules.
 * @throws what the file system says; the folder is then as it was
 */
export function writeProject(folder: string, files: TextFiles, modules: TextFiles): void {
  const exists = existsSync(folder);
  const beside = exists ? folder : dirname(folder);
  mkdirSync(beside, { recursive: true });
  const stage = mkdtempSync(join(beside, ".pipeloom-init-"));
  try {
    const made = join(stage, "made");
    mkdirSync(made);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(made, path)), { recursive: true });
      writeFileSync(join(made, path), text);
    }
    if (!exists) {
      writeModules(made, modules);
      renameSync(made, folder);
      return;
    }
    moveInto(folder, made, join(stage, "old"), Object.keys(files));
    writeModules(folder, modules);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** File by file; when one fails, those before it are put back. */
function moveInto(folder: string, made: string, old: string, paths: readonly string[]): void {
  const undo: (() => void)[] = [];
  try {
    for (const path of paths) {
      const target = join(folder, path);
      const first = mkdirSync(dirname(target), { recursive: true });
      if (first !== undefined) undo.push(() => rmSync(first, { recursive: true, force: true }));
      const kept = join(old, path);
      if (existsSync(target)) {
        mkdirSync(dirname(kept), { recursive: true });
        renameSync(target, kept);
        undo.push(() => renameSync(kept, target));
      }
      renameSync(join(made, path), target);
      undo.push(() => rmSync(target, { force: true }));
    }
  } catch (error) {
    for (const step of undo.toReversed()) step();
    throw error;
  }
}
