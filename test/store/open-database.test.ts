import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import {
  copyFileSync,
  mkdirSync,
  linkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";

import { canRecord } from "../../src/prove/write-recorder.ts";

import type { WriterOptions } from "../../src/protocol/run-request.ts";
import { openDatabase } from "../../src/store/open-database.ts";
import { impatient, options, storeError } from "./write/options.ts";
import { tempFolder, type TempFolder } from "./write/temp-folder.ts";

const pragma = (db: Database, name: string): unknown =>
  Object.values(db.query<Record<string, unknown>, []>(`PRAGMA ${name}`).get() ?? {})[0];

const tables = (db: Database): string[] =>
  db
    .query<{ name: string }, []>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
    )
    .all()
    .map(({ name }) => name);

const ours = [
  "pipeline_runs",
  "pipeloom_definitions",
  "pipeloom_durations",
  "pipeloom_machines",
  "pipeloom_reusable",
  "pipeloom_schedules",
  "pipeloom_schema",
  "pipeloom_sources",
  "pipeloom_state",
  "pipeloom_tables",
  "task_attempts",
  "task_logs",
  "task_runs",
];

/** A database of another program's, with everything of it that must survive. */
function foreign(path: string): void {
  using db = new Database(path);
  db.run("PRAGMA user_version = 42");
  db.run("PRAGMA application_id = 123456");
  db.run("CREATE TABLE invoices (id INTEGER PRIMARY KEY, total REAL)");
  db.run("INSERT INTO invoices VALUES (1, 9.5), (2, 10)");
}

describe("pragmas", () => {
  const cases: [string, Partial<WriterOptions>, string, number][] = [
    ["defaults", {}, "wal", 2],
    ["normal durability", { durability: "normal" }, "wal", 1],
    ["without WAL", { wal: false }, "delete", 3],
    ["in memory", { db: ":memory:" }, "memory", 2],
  ];
  test.each(cases)("%s", (_, more, journal, synchronous) => {
    using folder = tempFolder();
    using db = openDatabase(options(folder.file("a.db"), more));
    expect(pragma(db, "journal_mode")).toBe(journal);
    expect(pragma(db, "synchronous")).toBe(synchronous);
    expect(pragma(db, "foreign_keys")).toBe(1);
    expect(pragma(db, "busy_timeout")).toBe(250);
    expect(pragma(db, "cache_size")).toBe(-8_192);
    expect(pragma(db, "wal_autocheckpoint")).toBe(4_096);
    expect(pragma(db, "journal_size_limit")).toBe(64 * 1024 * 1024);
    expect(tables(db)).toEqual(ours);
  });

  test("a WAL database leaves WAL when asked to, and comes back", () => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    for (const wal of [true, false, true]) {
      using db = openDatabase(options(path, { wal }));
      expect(pragma(db, "journal_mode")).toBe(wal ? "wal" : "delete");
    }
    expect(folder.list()).toEqual(["a.db"]);
  });

  test("without task status the file is the user's alone", () => {
    using folder = tempFolder();
    using db = openDatabase(options(folder.file("a.db"), { storeTaskStatus: false }));
    expect(tables(db)).toEqual([]);
  });
});

describe("another program's database", () => {
  test("is welcome, and keeps what it has", () => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    foreign(path);
    openDatabase(options(path)).close(true);
    using db = new Database(path);
    expect(tables(db)).toEqual(["invoices", ...ours]);
    expect(db.query("SELECT * FROM invoices").values()).toEqual([
      [1, 9.5],
      [2, 10],
    ]);
    expect(pragma(db, "user_version")).toBe(42);
    expect(pragma(db, "application_id")).toBe(123456);
  });

  test("an empty file is an empty database", () => {
    using folder = tempFolder();
    writeFileSync(folder.file("a.db"), "");
    using db = openDatabase(options(folder.file("a.db")));
    expect(tables(db)).toEqual(ours);
  });

  test("a second hard link is refused: each name would have a -wal of its own", () => {
    using folder = tempFolder();
    foreign(folder.file("a.db"));
    linkSync(folder.file("a.db"), folder.file("b.db"));
    for (const name of ["a.db", "b.db"]) {
      expect(storeError(() => openDatabase(options(folder.file(name)))).code).toBe("hard-linked");
    }
    expect(folder.list()).toEqual(["a.db", "b.db"]);
  });

  test("a link leads to its target", () => {
    using folder = tempFolder();
    foreign(folder.file("a.db"));
    symlinkSync(folder.file("a.db"), folder.file("link.db"));
    openDatabase(options(folder.file("link.db"))).close(true);
    using db = new Database(folder.file("a.db"));
    expect(tables(db)).toEqual(["invoices", ...ours]);
  });
});

test("a link to a file that does not exist yet: the file is created there", () => {
  using folder = tempFolder();
  mkdirSync(folder.file("disk"));
  symlinkSync("disk/a.db", folder.file("link.db"));
  openDatabase(options(folder.file("link.db"))).close(true);
  using db = new Database(folder.file("disk/a.db"), { readonly: true });
  expect(tables(db)).toEqual(ours);
});

describe("a refused file stays byte for byte as it was", () => {
  const cases: [string, string, (path: string, folder: TempFolder) => void][] = [
    ["text", "not-sqlite", (path) => writeFileSync(path, "id,name\n1,a\n")],
    [
      "a truncated database",
      "corrupt",
      (path) => {
        using db = new Database(path);
        db.run("CREATE TABLE x (a)");
        for (let i = 0; i < 50; i++) db.run("INSERT INTO x VALUES (randomblob(2000))");
        db.close(true);
        truncateSync(path, 8192);
      },
    ],
    [
      "a damaged schema",
      "corrupt",
      (path) => {
        foreign(path);
        const file = Bun.mmap(path);
        file.fill(0xff, 100, 600);
      },
    ],
    [
      "a newer version",
      "newer-version",
      (path) => {
        using db = openDatabase(options(path));
        db.run("UPDATE pipeloom_schema SET version = 99");
      },
    ],
    [
      "another program's table under our name",
      "table-clash",
      (path) => {
        foreign(path);
        using db = new Database(path);
        db.run("CREATE TABLE Task_Runs (id INTEGER PRIMARY KEY, task TEXT)");
      },
    ],
    [
      "a clash in a WAL database",
      "table-clash",
      (path) => {
        using db = new Database(path);
        db.run("PRAGMA journal_mode = WAL");
        db.run("CREATE TABLE pipeline_runs (x)");
      },
    ],
    [
      "a view under our name",
      "table-clash",
      (path) => {
        foreign(path);
        using db = new Database(path);
        db.run("CREATE VIEW task_logs AS SELECT 1 AS x");
      },
    ],
    [
      "a table of ours that lost a column",
      "table-clash",
      (path) => {
        using db = openDatabase(options(path));
        db.run("ALTER TABLE task_runs DROP COLUMN message");
      },
    ],
  ];
  test.each(cases)("%s: %s", (_, code, make) => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    make(path, folder);
    const before = folder.bytes();
    const error = storeError(() => openDatabase(options(path)));
    expect(error.code as string).toBe(code);
    expect(error.message).toContain(path);
    expect(folder.bytes()).toEqual(before);
  });

  test("a newer version that was killed with its rows still in the WAL", () => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    const child = Bun.spawnSync([
      process.execPath,
      "-e",
      `const { Database } = require("bun:sqlite");
       const db = new Database(${JSON.stringify(path)});
       db.run("PRAGMA journal_mode = WAL");
       db.run("CREATE TABLE pipeloom_schema (version INTEGER NOT NULL)");
       db.run("INSERT INTO pipeloom_schema VALUES (99)");
       process.kill(process.pid, "SIGKILL");`,
    ]);
    expect(child.signalCode).toBe("SIGKILL");
    const before = folder.bytes();
    expect(Object.keys(before)).toEqual(["a.db", "a.db-shm", "a.db-wal"]);
    expect(storeError(() => openDatabase(options(path))).code).toBe("newer-version");
    const { "a.db-shm": _, ...after } = folder.bytes();
    const { "a.db-shm": __, ...expected } = before;
    expect(after).toEqual(expected);
  });

  const holds: [string, string][] = [
    ["BEGIN EXCLUSIVE", "PRAGMA journal_mode = DELETE"],
    ["BEGIN IMMEDIATE", "PRAGMA journal_mode = DELETE"],
    ["BEGIN IMMEDIATE", "PRAGMA journal_mode = WAL"],
  ];
  test.each(holds)("locked: %s, %s", (begin, mode) => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    foreign(path);
    using other = new Database(path);
    other.run(mode);
    other.run("UPDATE invoices SET total = total");
    other.run(begin);
    const before = folder.bytes()["a.db"];
    const error = storeError(() => openDatabase(options(path), impatient));
    expect(error.code).toBe("locked");
    expect(error.message).toContain(path);
    other.run("ROLLBACK");
    expect(folder.bytes()["a.db"]).toBe(before);
  });

  test("a WAL database that another program has open does not leave WAL", () => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    openDatabase(options(path)).close(true);
    using other = new Database(path);
    other.query("SELECT * FROM task_runs").all();
    const error = storeError(() => openDatabase(options(path, { wal: false }), impatient));
    expect(error.code).toBe("locked");
    expect(error.message).toContain("--no-wal");
  });
});

describe("a path that cannot be a database", () => {
  const cases: [string, string, (folder: TempFolder) => string][] = [
    ["empty", "no-path", () => ""],
    [
      "a folder",
      "is-folder",
      (folder) => {
        mkdirSync(folder.file("sub"));
        return folder.file("sub");
      },
    ],
    ["in a folder that does not exist", "no-folder", (folder) => folder.file("no/such/a.db")],
    [
      "under a file",
      "no-folder",
      (folder) => {
        writeFileSync(folder.file("file"), "x");
        return folder.file("file/a.db");
      },
    ],
    [
      "a link to nowhere useful",
      "cannot-open",
      (folder) => {
        symlinkSync(folder.file("no/such.db"), folder.file("link.db"));
        return folder.file("link.db");
      },
    ],
  ];
  test.each(cases)("%s: %s", (_, code, make) => {
    using folder = tempFolder();
    const path = make(folder);
    const before = folder.list();
    expect(storeError(() => openDatabase(options(path))).code as string).toBe(code);
    expect(folder.list()).toEqual(before);
  });

  test.skipIf(process.platform !== "linux")("a device", () => {
    expect(storeError(() => openDatabase(options("/dev/null"))).code).toBe("not-a-file");
  });

  test.skipIf(process.platform !== "linux")("a folder where nothing can be made", () => {
    expect(storeError(() => openDatabase(options("/proc/a.db"))).code).toBe("not-writable");
  });
});

describe("a file that could not be finished", () => {
  test("leaves nothing behind", () => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    // Journal files cannot be made where folders stand in their place.
    mkdirSync(`${path}-journal`);
    expect(storeError(() => openDatabase(options(path), impatient)).code).toBe("cannot-open");
    expect(folder.list()).toEqual(["a.db-journal"]);
  });
});

test.skipIf(!canRecord)(
  "the name of a WAL that a killed run has left is on the disk before a commit",
  async () => {
    using folder = tempFolder();
    const path = join(folder.path, "x.db");
    const left = join(folder.path, "left.db");
    {
      using db = new Database(path);
      db.run("PRAGMA journal_mode = WAL");
      db.run("CREATE TABLE t (i)");
      db.run("INSERT INTO t VALUES (1)");
      for (const suffix of ["", "-wal"]) copyFileSync(path + suffix, left + suffix);
    }
    const child = Bun.spawn(
      [process.execPath, join(import.meta.dir, "folder-sync-child.ts"), left, `${left}.trace`],
      { stdout: "pipe" },
    );
    const operations: string[] = JSON.parse(await child.stdout.text());
    const commit = operations.lastIndexOf("sync left.db-wal");
    expect(operations.slice(0, commit)).toContain(`sync ${basename(folder.path)}`);
  },
);
