// Finds the process that holds a lock on a database. Only Linux tells: /proc/locks lists POSIX locks with their process.

import { readFileSync, statSync } from "node:fs";

/** E.g. `pid 4711 (sqlite3)`; undefined if it is unknown. */
export function lockHolder(path: string): string | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const inodes = new Set(["", "-shm", "-wal"].map((suffix) => inodeOf(path + suffix)));
    const pid = holderIn(readFileSync("/proc/locks", "utf8"), inodes);
    return pid === undefined ? undefined : `pid ${pid} (${nameOf(pid)})`;
  } catch {
    return undefined;
  }
}

const inodeOf = (path: string): string | undefined =>
  statSync(path, { bigint: true, throwIfNoEntry: false })?.ino.toString();

/**
 * The pid in /proc/locks that holds a lock on one of the inodes. A write lock always excludes others and comes first; a
 * read lock only excludes writers. A line: `1: POSIX  ADVISORY  WRITE 4711 08:01:1835031 120 120`.
 */
export function holderIn(
  locks: string,
  inodes: ReadonlySet<string | undefined>,
  own: number = process.pid,
): number | undefined {
  let reader: number | undefined;
  for (const line of locks.split("\n")) {
    const [, mode, pid, inode] = /\b(READ|WRITE)\s+(\d+)\s+\w+:\w+:(\d+)\s/.exec(line) ?? [];
    if (pid === undefined || !inodes.has(inode) || Number(pid) === own) continue;
    if (mode === "WRITE") return Number(pid);
    reader ??= Number(pid);
  }
  return reader;
}

const nameOf = (pid: number): string => readFileSync(`/proc/${pid}/comm`, "utf8").trim();
