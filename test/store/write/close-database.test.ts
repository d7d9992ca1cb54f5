import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { statSync } from "node:fs";

import { runId } from "../../../src/protocol/ids.ts";
import { closeDatabase } from "../../../src/store/write/close-database.ts";
import { openDatabase } from "../../../src/store/open-database.ts";
import { WalLimit } from "../../../src/store/wal-limit.ts";
import { acquireRunLock, options, storeError } from "./options.ts";
import { tempFolder } from "./temp-folder.ts";
import { toStoreError } from "../../../src/store/store-error.ts";

const fill = (db: Database, rows: number): void => {
  db.run("CREATE TABLE IF NOT EXISTS x (a)");
  const insert = db.query("INSERT INTO x VALUES (randomblob(3000))");
  db.transaction(() => {
    for (let i = 0; i < rows; i++) insert.run();
  }).immediate();
};

const count = (db: Database): unknown => db.query("SELECT COUNT(*) FROM x").values()[0]?.[0];

test.each([true, false])("nothing but the file is left (wal: %p)", (wal) => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  const db = openDatabase(options(path, { wal }));
  const lock = acquireRunLock(path, runId(1));
  fill(db, 10);
  // A statement that nobody finalized does not keep it open.
  db.prepare("SELECT * FROM x").get();
  closeDatabase(db, lock);
  expect(folder.list()).toEqual(["a.db"]);
  using again = new Database(path, { readonly: true });
  expect(count(again)).toBe(10);
});

test("with a reader in a transaction everything is kept, and the lock is free", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  const db = openDatabase(options(path));
  const lock = acquireRunLock(path, runId(1));
  fill(db, 10);
  using reader = new Database(path, { readonly: true });
  reader.run("BEGIN");
  expect(count(reader)).toBe(10);
  fill(db, 10);
  closeDatabase(db, lock);
  expect(count(reader)).toBe(10);
  reader.run("COMMIT");
  expect(count(reader)).toBe(20);
  expect(folder.list()).toEqual(["a.db", "a.db-shm", "a.db-wal"]);
});

test("in memory", () => {
  const db = openDatabase(options(":memory:"));
  closeDatabase(db, acquireRunLock(":memory:", runId(1)));
  expect(() => db.query("SELECT 1")).toThrow();
});

test("the WAL starts over once it is past its limit, and grows only while a reader pins it", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  using db = openDatabase(options(path));
  const limit = 1024 * 1024;
  const said: string[] = [];
  const wal = new WalLimit(db, path, limit, (level, line) => said.push(`${level}: ${line}`));
  const size = (): number => statSync(`${path}-wal`).size;
  fill(db, 500);
  expect(size()).toBeGreaterThan(limit);
  wal.check(size());
  expect(size()).toBe(0);
  {
    using reader = new Database(path, { readonly: true });
    reader.run("BEGIN");
    expect(count(reader)).toBe(500);
    fill(db, 500);
    wal.check(size());
    expect(size()).toBeGreaterThan(limit);
    expect(count(reader)).toBe(500);
    expect(said).toEqual([
      expect.stringMatching(/^warn: the write-ahead log of .*a\.db has grown to 2 MiB and cannot/),
    ]);
    fill(db, 1000);
    wal.check(size());
    expect(said).toHaveLength(1);
  }
  // Not at every commit: only when it has doubled.
  const before = size();
  fill(db, 1);
  wal.check(size());
  expect(size()).toBeGreaterThanOrEqual(before);
  expect(said).toHaveLength(1);
  fill(db, 2500);
  wal.check(size());
  expect(size()).toBe(0);
  expect(said[1]).toMatch(/^info: the write-ahead log of .*a\.db is small again/);
  expect(said).toHaveLength(2);
  expect(count(db)).toBe(4501);
  expect(db.query("PRAGMA busy_timeout").values()).toEqual([[250]]);
});

test("a WAL that SQLite has made small by itself is reported as such", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  using db = openDatabase(options(path));
  const size = (): number => statSync(`${path}-wal`).size;
  const said: string[] = [];
  const limit = 1024 * 1024;
  const wal = new WalLimit(db, path, limit, (level) => said.push(level));
  using reader = new Database(path, { readonly: true });
  reader.run("BEGIN");
  reader.query("SELECT * FROM sqlite_schema").all();
  fill(db, 500);
  wal.check(size());
  reader.run("COMMIT");
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  wal.check(size());
  wal.check(size());
  expect(said).toEqual(["warn", "info"]);
});

test("a full disk is an expected error, and what was committed stays", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  using db = openDatabase(options(path));
  fill(db, 10);
  db.run("PRAGMA max_page_count = 100");
  const act = (): void => {
    try {
      fill(db, 500);
    } catch (thrown) {
      throw toStoreError(thrown, path);
    }
  };
  const error = storeError(act);
  expect(error.code).toBe("disk-full");
  expect(error.message).toContain(path);
  expect(count(db)).toBe(10);
  expect(db.query("PRAGMA integrity_check").values()).toEqual([["ok"]]);
});
