import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { closeSync, fstatSync, openSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { holderIn, lockedBy, readersIn, walReaders } from "../../src/store/lock-holder.ts";
import { startChild } from "./write/child.ts";
import { tempFolder } from "./write/temp-folder.ts";

/** Device 8:1 and, with more bits, 259:300. */
const db = { dev: 0x801n, ino: 500n };
const shm = { dev: (259n << 8n) | (300n & 0xffn) | ((300n & ~0xffn) << 12n), ino: 501n };
const files = { db, shm };
const own = 99;

const held = (mode: "READ" | "WRITE", pid: number, file: string, first: number, last = first) =>
  `1: POSIX  ADVISORY  ${mode.padEnd(5)} ${pid} ${file} ${first} ${last}`;
const shared = [1073741826, 1073742335] as const;
const onDb = "08:01:500";
const onShm = "103:12c:501";

const holderOf = (...locks: readonly string[]): number | undefined =>
  holderIn(`${locks.join("\n")}\n`, files, own);

describe("who keeps others from writing", () => {
  test("the writer, of the -shm or of the database, before those that read", () => {
    const reads = held("READ", 11, onDb, ...shared);
    expect(holderOf(reads, held("WRITE", 12, onShm, 120))).toBe(12);
    expect(holderOf(reads, held("WRITE", 13, onDb, 1073741825))).toBe(13);
    expect(holderOf(reads, "4: POSIX  ADVISORY  WRITE 14 08:01:500 0 EOF")).toBe(14);
  });

  test("else a connection of this process with WAL's write lock, else a reader", () => {
    const reads = held("READ", 11, onDb, ...shared);
    expect(holderOf(reads, held("WRITE", own, onShm, 120))).toBe(own);
    // Without WAL, a writer that waits for readers has the lock PENDING itself.
    expect(holderOf(held("WRITE", own, onDb, 1073741824), reads)).toBe(11);
    expect(holderOf(held("WRITE", own, onDb, 1073741825))).toBe(own);
  });

  test("not who reads a -shm, waits, locks other bytes or locks in another way", () => {
    expect(
      holderOf(
        held("READ", 11, onShm, 128),
        held("WRITE", 12, onShm, 124),
        "1: -> POSIX  ADVISORY  WRITE 13 08:01:500 0 EOF",
        "2: FLOCK  ADVISORY  WRITE 14 08:01:500 0 EOF",
        "3: OFDLCK ADVISORY  WRITE -1 08:01:500 0 EOF",
        held("WRITE", 15, onDb, 0, 10),
      ),
    ).toBeUndefined();
  });

  test("an inode of the same number on another device is another file", () => {
    expect(holderOf(held("WRITE", process.pid, "08:02:500", 1073741825))).toBeUndefined();
    expect(holderIn("", { db: undefined, shm: undefined }, own)).toBeUndefined();
  });
});

test("who reads a WAL: once each, and not who only has the database open", () => {
  const locks = [
    held("READ", 11, onShm, 124),
    held("READ", 11, onShm, 123),
    held("READ", 12, onShm, 127),
    held("READ", 13, onShm, 128),
    held("READ", 14, onDb, ...shared),
    held("WRITE", 15, onShm, 120),
  ];
  expect(readersIn(locks.join("\n"), files)).toEqual([11, 12]);
});

const child = (path: string, sql: string) =>
  startChild(join(import.meta.dir, "hold-child.ts"), path, sql);

describe.if(process.platform === "linux")("real locks", () => {
  test.each(["wal", "delete"])("of another process, through a link too (%s)", async (mode) => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    using made = new Database(path);
    made.run(`PRAGMA journal_mode = ${mode}`);
    made.run("CREATE TABLE t (a)");
    const link = folder.file("link.db");
    symlinkSync(path, link);
    await using holder = await child(path, "BEGIN IMMEDIATE");
    expect(lockedBy(link)).toMatch(
      new RegExp(`^${link} is locked by pid ${holder.pid} \\(.*bun.*\\)$`),
    );
    await holder.kill();
    expect(lockedBy(path)).toBe(`${path} is locked by another program`);
  });

  test("with another device than the file's, as on Btrfs: if the process has the file open", () => {
    using folder = tempFolder();
    const fd = openSync(folder.file("a.db"), "w");
    const { dev, ino } = fstatSync(fd, { bigint: true });
    const holder = (): number | undefined =>
      holderIn(held("WRITE", process.pid, `00:ff:${ino}`, 1073741825), {
        db: { dev, ino },
        shm: undefined,
      });
    expect(holder()).toBe(process.pid);
    closeSync(fd);
    expect(holder()).toBeUndefined();
  });

  test("of a reader of the WAL, and of this process", async () => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    using made = new Database(path);
    made.run("PRAGMA journal_mode = wal");
    made.run("CREATE TABLE t (a)");
    await using reader = await child(path, "BEGIN; SELECT * FROM t");
    expect(walReaders(path)).toStartWith(`pid ${reader.pid} (`);
    await reader.kill();
    expect(walReaders(path)).toBeUndefined();
    made.run("BEGIN IMMEDIATE");
    expect(lockedBy(path)).toContain("is locked by this process itself");
    expect(walReaders(path)).toBe("a connection of this process");
  });
});
