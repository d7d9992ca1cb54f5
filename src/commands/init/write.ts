// Writes a project completely or not at all: files are written to a temporary folder beside it and then moved.

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

/** What is in the folder already, of the files to be written. */
export type Conflicts = {
  /** Files with other contents. */
  readonly files: readonly string[];
  /** Folders with the name of a file, which cannot be overwritten. */
  readonly folders: readonly string[];
  /** Files with these contents. */
  readonly same: readonly string[];
};

export function conflictsIn(folder: string, files: TextFiles): Conflicts {
  const existing = Object.keys(files).filter((path) => existsSync(join(folder, path)));
  const isFolder = (path: string): boolean => statSync(join(folder, path)).isDirectory();
  const present = existing.filter((path) => !isFolder(path));
  const isSame = (path: string): boolean =>
    readFileSync(join(folder, path), "utf8") === files[path];
  return {
    folders: existing.filter(isFolder),
    files: present.filter((path) => !isSame(path)),
    same: present.filter(isSame),
  };
}

/**
 * Writes `files` into `folder`, overwriting existing ones, and `modules` into its node_modules.
 * @throws the error of the file system, after restoring the folder
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

/** Moves file by file. After an error, the files moved so far are restored. */
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
