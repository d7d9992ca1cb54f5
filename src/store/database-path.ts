// The path of the database that a run writes to: what can be wrong with it, and creating and removing the file.

import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  rmSync,
  type Stats,
  statSync,
} from "node:fs";
import { dirname, resolve } from "node:path";

import { openFilesProblem } from "../base/limits.ts";
import { codeOf } from "../base/system-error.ts";
import { StoreError } from "./store-error.ts";

/** @throws StoreError if no database can be opened or created at the path */
export function checkPath(path: string): void {
  if (path === "") throw new StoreError("no-path", "--db is empty; give a path, or :memory:");
  const stat = look(path);
  if (stat === undefined) return checkParent(path);
  if (stat.isDirectory()) {
    throw new StoreError(
      "is-folder",
      `${path} is a folder; give the path of a file in it, like ${path.replace(/[/\\]+$/, "")}/pipeloom.db`,
    );
  }
  if (!stat.isFile()) {
    throw new StoreError("not-a-file", `${path} is not a regular file; choose another with --db`);
  }
  // SQLite names the -wal after the path: rows written under one name would be lost under the other.
  if (stat.nlink > 1) {
    throw new StoreError(
      "hard-linked",
      `${path} has another name (a hard link), and SQLite would keep two journals for it; ` +
        "copy it to a file of its own, or choose another with --db",
    );
  }
  checkWritable(path, path);
  return checkParent(path);
}

/** Undefined if there is no file, or if a part of the path is a file instead of a folder. */
function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    if (code === "ENOTDIR") return undefined;
    throw new StoreError(
      "cannot-open",
      `${path} cannot be looked at (${code}); check the path and its permissions, or choose another with --db`,
      { cause },
    );
  }
}

function checkParent(path: string): void {
  const folder = dirname(resolve(path));
  const stat = look(folder);
  if (stat === undefined || !stat.isDirectory()) {
    const what = stat === undefined ? "does not exist" : "is a file, not a folder";
    throw new StoreError(
      "no-folder",
      `cannot open ${path}: ${folder} ${what}; make the folder first, or choose another path with --db`,
    );
  }
  checkWritable(folder, path);
}

/** Also for the folder: SQLite creates its journal beside the file. */
function checkWritable(target: string, path: string): void {
  try {
    accessSync(target, constants.W_OK);
  } catch (cause) {
    throw notWritable(target, path, cause);
  }
}

function notWritable(target: string, path: string, cause: unknown): StoreError {
  const reason = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  if (/ENOSPC|EDQUOT/.test(reason)) {
    return new StoreError(
      "disk-full",
      `${path} cannot be created: the disk is full${reason}; make room, or choose another disk with --db`,
      { cause },
    );
  }
  const what = target === path ? path : `${path}: its folder ${target}`;
  const files = openFilesProblem(codeOf(cause));
  if (files !== undefined) {
    return new StoreError("not-writable", `${what} cannot be used: ${files}`, { cause });
  }
  return new StoreError(
    "not-writable",
    `${what} cannot be written${reason}; change its permissions, or choose another path with --db`,
    { cause },
  );
}

/**
 * True if this call created the file. Exclusive: of two runs that start at once, only one gets true. The target of a link
 * is created too, but counts as the user's: a run that is refused removes neither.
 */
export function createFile(path: string): boolean {
  if (existsSync(path)) return false;
  try {
    closeSync(openSync(path, "wx"));
    return true;
  } catch (cause) {
    // Another run has just created it, or it is a link to a file that does not exist yet.
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") {
      if (!existsSync(path)) createTarget(path);
      return false;
    }
    throw notWritable(dirname(resolve(path)), path, cause);
  }
}

function createTarget(link: string): void {
  try {
    closeSync(openSync(link, "a"));
  } catch {
    // SQLite reports that the file cannot be opened.
  }
}

export const sizeOf = (path: string): number => look(path)?.size ?? 0;

/** With its -wal, -shm and -journal. */
export function removeFile(path: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) {
    try {
      rmSync(path + suffix, { force: true });
    } catch {
      // Not reported: it must not hide why the database could not be used.
    }
  }
}
