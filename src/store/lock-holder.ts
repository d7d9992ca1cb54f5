// Finds the processes that hold SQLite's locks on a database. Only Linux tells: /proc/locks lists POSIX locks with their
// process. Nothing here opens the files: closing them would drop the locks of this process.

import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";

import { deviceNumbers } from "./device-numbers.ts";

type FileId = { readonly dev: bigint; readonly ino: bigint };
/** Undefined where there is no such file. */
type LockedFiles = { readonly db: FileId | undefined; readonly shm: FileId | undefined };

type Lock = {
  readonly isWrite: boolean;
  readonly pid: number;
  readonly device: string;
  readonly inode: string;
  readonly first: number;
  readonly last: number;
};

/** Where SQLite locks bytes: of the database PENDING, RESERVED and SHARED; of the -shm the writer's, and the readers'. */
const dbBytes = { first: 0x4000_0000, last: 0x4000_0000 + 511 };
const shmWriterBytes = { first: 120, last: 122 };
const shmReaderBytes = { first: 123, last: 127 };

/** E.g. `a.db is locked by pid 4711 (sqlite3)`. @param path as the user wrote it */
export function lockedBy(path: string): string {
  const pid = known(() => holderIn(locksNow(), filesOf(path)));
  if (pid === process.pid) {
    return `${path} is locked by this process itself: a task, a message or a hook has opened it and begun a transaction`;
  }
  return `${path} is locked by ${pid === undefined ? "another program" : named(pid)}`;
}

/** Who is in a read transaction of a database in WAL mode, e.g. `pid 4711 (sqlite3)`; undefined if it is unknown. */
export function walReaders(path: string): string | undefined {
  const pids = known(() => readersIn(locksNow(), filesOf(path))) ?? [];
  const others = pids.filter((pid) => pid !== process.pid);
  if (others.length > 0) return others.map(named).join(", ");
  return pids.length > 0 ? "a connection of this process" : undefined;
}

function known<Result>(find: () => Result): Result | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    return find();
  } catch {
    return undefined;
  }
}

const locksNow = (): string => readFileSync("/proc/locks", "utf8");

const idOf = (file: string): FileId | undefined =>
  statSync(file, { bigint: true, throwIfNoEntry: false });

/** SQLite creates the -shm beside a link's target. */
function filesOf(path: string): LockedFiles {
  const real = realpathSync(path);
  return { db: idOf(real), shm: idOf(`${real}-shm`) };
}

/**
 * Who keeps others from writing: another process that writes, else a connection of this process that has WAL's write lock,
 * else another process that reads. A read lock excludes writers only without WAL, or while the journal mode changes.
 */
export function holderIn(
  locks: string,
  { db, shm }: LockedFiles,
  own: number = process.pid,
): number | undefined {
  const onDb = locksOn(db, dbBytes, locks);
  const ofWriter = locksOn(shm, shmWriterBytes, locks);
  const isOther = ({ pid }: Lock): boolean => pid !== own;
  const holder =
    [...ofWriter, ...onDb].find((lock) => lock.isWrite && isOther(lock)) ??
    ofWriter.find(({ isWrite }) => isWrite) ??
    onDb.find(isOther) ??
    onDb.find(({ isWrite }) => isWrite);
  return holder?.pid;
}

export function readersIn(locks: string, { shm }: LockedFiles): number[] {
  const marks = locksOn(shm, shmReaderBytes, locks);
  return [...new Set(marks.filter(({ isWrite }) => !isWrite).map(({ pid }) => pid))];
}

/** A line: `1: POSIX  ADVISORY  WRITE 4711 08:01:1835031 120 120`. One with `->` waits for a lock, and holds none. */
const linePattern =
  /^\d+: POSIX +\w+ +(READ|WRITE) +(\d+) +([\da-f]+:[\da-f]+):(\d+) +(\d+) +(\d+|EOF)$/gm;

function locksOn(
  file: FileId | undefined,
  bytes: { readonly first: number; readonly last: number },
  locks: string,
): Lock[] {
  if (file === undefined) return [];
  return [...locks.matchAll(linePattern)]
    .map(([, mode, pid, device = "", inode = "", first, last]) => ({
      isWrite: mode === "WRITE",
      pid: Number(pid),
      device,
      inode,
      first: Number(first),
      last: last === "EOF" ? Number.POSITIVE_INFINITY : Number(last),
    }))
    .filter((lock) => lock.first <= bytes.last && lock.last >= bytes.first)
    .filter((lock) => isOn(file, lock));
}

/** Btrfs and overlays have another device in /proc/locks than in `stat`. Then the process must have the file open. */
const isOn = (file: FileId, { inode, device, pid }: Lock): boolean =>
  inode === file.ino.toString() && (device === deviceText(file.dev) || hasOpen(pid, file));

/** As the kernel prints it: in hexadecimal. */
function deviceText(dev: bigint): string {
  const { major, minor } = deviceNumbers(dev);
  return [major, minor].map((each) => each.toString(16).padStart(2, "0")).join(":");
}

/** False too for processes of other users. */
function hasOpen(pid: number, file: FileId): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const open = idOf(`/proc/${pid}/fd/${fd}`);
      return open?.ino === file.ino && open.dev === file.dev;
    });
  } catch {
    return false;
  }
}

function named(pid: number): string {
  const name = known(() => readFileSync(`/proc/${pid}/comm`, "utf8").trim());
  return name === undefined ? `pid ${pid}` : `pid ${pid} (${name})`;
}
