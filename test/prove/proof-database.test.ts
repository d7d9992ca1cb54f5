import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

import { processStartedAt } from "../../src/base/process-identity.ts";
import { controlPath } from "../../src/protocol/control-file.ts";
import { runId } from "../../src/protocol/ids.ts";
import { openDatabase } from "../../src/store/open-database.ts";
import { ProofDatabase } from "../../src/prove/proof-database.ts";
import { options } from "../store/write/options.ts";
import { tempFolder, type TempFolder } from "../support/temp-folder.ts";

/** `there/real.db` with a row in its write-ahead log only, and `link.db`, which leads to it. */
function linked(folder: TempFolder) {
  mkdirSync(join(folder.path, "there"));
  const real = join(folder.path, "there/real.db");
  const link = join(folder.path, "link.db");
  symlinkSync(real, link);
  const db = new Database(real);
  for (const sql of [
    "PRAGMA journal_mode = WAL",
    "CREATE TABLE t (x)",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "INSERT INTO t VALUES (1)",
  ]) {
    db.run(sql);
  }
  return { real, link, opened: db };
}

function rowsOf(path: string): unknown {
  using db = new Database(path);
  return db.query("SELECT x FROM t").values();
}

test.skipIf(process.platform === "win32")(
  "the copy of a database behind a symbolic link has its write-ahead log",
  () => {
    using folder = tempFolder();
    const { link, opened } = linked(folder);
    using db = opened;
    using database = new ProofDatabase(link, false);
    database.reset();
    expect(rowsOf(database.copy("look"))).toEqual([[1]]);
    expect(database.isBypassed).toBe(false);
    db.run("INSERT INTO t VALUES (2)");
    expect(database.isBypassed).toBe(true);
  },
);

test.skipIf(process.platform === "win32")(
  "a symbolic link to a database stays a link when the database is put back",
  () => {
    using folder = tempFolder();
    const { real, link, opened } = linked(folder);
    opened.close();
    {
      using database = new ProofDatabase(link, true);
      database.reset();
      using other = new Database(database.db);
      other.run("DELETE FROM t");
      expect(database.isBypassed).toBe(false);
    }
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(rowsOf(real)).toEqual([[1]]);
    expect(readdirSync(folder.path).toSorted()).toEqual(["link.db", "there"]);
  },
);

test.skipIf(process.platform === "win32")("a database in a folder behind a symbolic link", () => {
  using folder = tempFolder();
  const { real, opened } = linked(folder);
  opened.close();
  symlinkSync(join(folder.path, "there"), join(folder.path, "here"));
  for (const isInPlace of [false, true]) {
    using database = new ProofDatabase(join(folder.path, "here/new.db"), isInPlace);
    expect(database.isOriginal(join(folder.path, "there/new.db-wal"))).toBe(true);
    expect(database.isOriginal(real)).toBe(false);
  }
});

test.skipIf(process.platform === "win32")(
  "what --in-place puts aside is the whole database, also where its last rows are in the write-ahead log only",
  () => {
    using folder = tempFolder();
    const { real, opened } = linked(folder);
    // As a killed program leaves them.
    const db = join(folder.path, "x.db");
    for (const suffix of ["", "-wal"]) copyFileSync(real + suffix, db + suffix);
    opened.close();
    {
      using database = new ProofDatabase(db, true);
      database.reset();
      const aside = readdirSync(folder.path).filter((name) => name.startsWith("x.db.before"));
      expect(aside).toEqual(["x.db.before-prove"]);
      const [name = ""] = aside;
      copyFileSync(join(folder.path, name), join(folder.path, "put-back.db"));
      expect(rowsOf(join(folder.path, "put-back.db"))).toEqual([[1]]);
    }
    expect(rowsOf(db)).toEqual([[1]]);
  },
);

test.skipIf(process.platform !== "linux")(
  "--in-place is refused where a run goes on, also where its lock file is gone",
  () => {
    using folder = tempFolder();
    const path = join(folder.path, "x.db");
    const startRun = (status: string): void => {
      using db = openDatabase(options(path));
      db.run("DELETE FROM pipeline_runs");
      db.run(
        `INSERT INTO pipeline_runs (id, pipeline, params, status, started_at, pid, host, process_started_at)
          VALUES (1, 'p', '{}', ?, '2026-01-01T00:00:00.000Z', ?, ?, ?)`,
        [status, process.pid, hostname(), processStartedAt(process.pid) ?? null],
      );
    };
    startRun("running");
    writeFileSync(controlPath(path, runId(1)), "");
    expect(() => new ProofDatabase(path, true)).toThrow("run 1 is going on in");
    expect(() => new ProofDatabase(path, false)[Symbol.dispose]()).not.toThrow();
    startRun("done");
    expect(() => new ProofDatabase(path, true)[Symbol.dispose]()).not.toThrow();
  },
);
