// A copy of a database, also while a run writes to it.

import { Database } from "bun:sqlite";
import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";

import type { BusyHandler } from "../busy-handler.ts";
import { closeReadOnly, openReadOnly } from "./open-read-only.ts";

/**
 * Copies the file, and the part of it that is in its write-ahead log. A read transaction keeps both as they are.
 * @returns the paths of the copies
 * @throws ReaderError if `path` has no readable database
 */
export function copyDatabase(path: string, into: string, busyHandler: BusyHandler): string[] {
  const db = openReadOnly(path, busyHandler);
  try {
    db.run("BEGIN");
    using first = db.prepare("SELECT 1 FROM sqlite_schema");
    busyHandler.run(() => first.get());
    // SQLite puts the log beside the file that a symbolic link leads to.
    const real = realpathSync(path);
    // The database last: its close outside SQLite drops the lock of this transaction.
    const files = [`${real}-wal`, real].filter((file) => existsSync(file));
    for (const file of files) copyFileSync(file, join(into, basename(file)));
    return files.map((file) => join(into, basename(file)));
  } finally {
    closeReadOnly(db, path);
  }
}

/** Moves what the write-ahead log of a copy has into the file, which is then all of the database, and is on the disk. */
export function mergeLog(copy: string): void {
  const db = new Database(copy, { readwrite: true, create: false });
  try {
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    db.close(true);
  }
  const file = openSync(copy, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
