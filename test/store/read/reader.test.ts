import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";

import { BusyHandler } from "../../../src/store/busy-handler.ts";
import { openReader } from "../../../src/store/read/reader.ts";
import { tempFolder, type TempFolder } from "../write/temp-folder.ts";
import { readerError } from "./support.ts";

type Mode = "wal" | "delete";

function database(folder: TempFolder, mode: Mode = "delete"): string {
  const path = folder.file("a.db");
  using db = new Database(path);
  db.run(`PRAGMA journal_mode = ${mode}`);
  db.run("CREATE TABLE x (a INTEGER PRIMARY KEY, b)");
  db.run("INSERT INTO x VALUES (1, 'one'), (2, NULL), (9007199254740993, 2.5), (4, x'00ff')");
  return path;
}

describe("a database at rest is not touched, and nothing is left beside it", () => {
  test.each(["wal", "delete"] as const)("%s", (mode) => {
    using folder = tempFolder();
    const path = database(folder, mode);
    const before = folder.bytes();
    {
      using reader = openReader(path);
      expect(reader.query("SELECT COUNT(*) AS n FROM x")).toEqual([{ n: 4 }]);
    }
    expect(folder.bytes()).toEqual(before);
  });

  test("nor is one whose writer was killed: its WAL is read, and stays", () => {
    using folder = tempFolder();
    const path = database(folder, "wal");
    killedIn(path, "INSERT INTO x VALUES (10, 'late')");
    const { "a.db": file, "a.db-wal": wal } = folder.bytes();
    {
      using reader = openReader(path);
      expect(reader.query("SELECT b FROM x WHERE a = 10")).toEqual([{ b: "late" }]);
    }
    expect(folder.bytes()).toMatchObject({ "a.db": file, "a.db-wal": wal });
  });

  test("without WAL, a killed writer's transaction is rolled back first", () => {
    using folder = tempFolder();
    const path = database(folder);
    killedIn(
      path,
      `PRAGMA cache_size = 2; BEGIN; UPDATE x SET b = 'lost';
       WITH RECURSIVE s (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM s WHERE i < 3000)
       INSERT INTO x SELECT i, randomblob(500) FROM s`,
    );
    expect(folder.list()).toEqual(["a.db", "a.db-journal"]);
    using reader = openReader(path);
    expect(reader.query("SELECT COUNT(*) AS n, MAX(b) AS b FROM x WHERE a < 3")).toEqual([
      { n: 2, b: "one" },
    ]);
  });
});

function killedIn(path: string, sql: string): void {
  const code = `const { Database } = require("bun:sqlite");
    const db = new Database(${JSON.stringify(path)});
    db.run(${JSON.stringify(sql)});
    process.kill(process.pid, "SIGKILL");`;
  expect(Bun.spawnSync([process.execPath, "-e", code]).signalCode).toBe("SIGKILL");
}

test("reads what is committed while it is written, one state at a time", () => {
  using folder = tempFolder();
  const path = database(folder, "wal");
  using writer = new Database(path);
  using reader = openReader(path);
  const count = (): unknown => reader.query("SELECT COUNT(*) AS n FROM x")[0]?.["n"];
  const version = reader.version();
  writer.run("BEGIN IMMEDIATE");
  writer.run("INSERT INTO x VALUES (20, 'a')");
  expect(count()).toBe(4);
  expect(reader.version()).toBe(version);
  writer.run("COMMIT");
  expect(count()).toBe(5);
  expect(reader.version()).not.toBe(version);
  const [before, after] = reader.snapshot(() => {
    const first = count();
    writer.run("INSERT INTO x VALUES (21, 'b')");
    return [first, count()];
  });
  expect([before, after, count()]).toEqual([5, 5, 6]);
});

test("values: an integer beyond 2^53 is a bigint, any other a number", () => {
  using folder = tempFolder();
  using reader = openReader(database(folder));
  expect(reader.query("SELECT * FROM x ORDER BY a")).toEqual([
    { a: 1, b: "one" },
    { a: 2, b: null },
    { a: 4, b: new Uint8Array([0, 255]) },
    { a: 9007199254740993n, b: 2.5 },
  ]);
});

test("parameters, and as many of them as there are", () => {
  using folder = tempFolder();
  using reader = openReader(database(folder));
  const sql = "SELECT a FROM x WHERE a > ? AND a < ? ORDER BY a";
  expect(reader.query(sql, [1, 100n])).toEqual([{ a: 2 }, { a: 4 }]);
  expect(reader.query(sql, [2, 100])).toEqual([{ a: 4 }]);
  expect(readerError(() => reader.query(sql, [1])).message).toContain(
    "2 parameters, and gets 1 value",
  );
});

test("iterate: columns first, rows as they come, no column lost to its name", () => {
  using folder = tempFolder();
  using reader = openReader(database(folder));
  const none = reader.iterate("SELECT a, b FROM x WHERE a > ?", [1e15 + 1e16]);
  expect([none.columns, [...none.rows]]).toEqual([["a", "b"], []]);
  const twice = reader.iterate("SELECT 1 AS a, 2 AS a /* twice");
  expect([...twice.rows].map((row) => Object.values(row))).toEqual([[1, 2]]);
  const endless = reader.iterate(
    "WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s) SELECT i FROM s",
  );
  for (const { i } of endless.rows) if (i === 1000) break;
  expect(reader.query("SELECT COUNT(*) AS n FROM x")).toEqual([{ n: 4 }]);
});

describe("only reading", () => {
  const cases = [
    "INSERT INTO x VALUES (5, 5)",
    "INSERT INTO x VALUES (5, 5) RETURNING a",
    "DELETE FROM x",
    "DROP TABLE x",
    "CREATE TEMP TABLE y (a)",
    "PRAGMA user_version = 1",
    "PRAGMA journal_mode = WAL",
    "ATTACH 'other.db' AS other",
    "VACUUM INTO 'copy.db'",
    "BEGIN",
  ];
  test.each(cases)("%s", (sql) => {
    using folder = tempFolder();
    const path = database(folder);
    const before = folder.bytes();
    using reader = openReader(path);
    expect(readerError(() => reader.query(sql)).code).toBe("not-read-only");
    expect(readerError(() => reader.iterate(sql)).code).toBe("not-read-only");
    expect(folder.bytes()).toEqual(before);
  });

  test.each(["PRAGMA user_version", "EXPLAIN QUERY PLAN SELECT * FROM x", "VALUES (1)"])(
    "%s is reading",
    (sql) => {
      using folder = tempFolder();
      using reader = openReader(database(folder));
      expect(reader.query(sql)).toHaveLength(1);
    },
  );

  test.each([
    ["", "no SQL"],
    ["-- nothing", "no SQL"],
    ["SELECT 1; SELECT 2", "one SQL statement"],
    ["SELEC 1", "syntax error"],
    ["SELECT * FROM nowhere", "no such table: nowhere"],
  ])("%j is bad SQL", (sql, says) => {
    using folder = tempFolder();
    using reader = openReader(database(folder));
    const error = readerError(() => reader.query(sql));
    expect(error.code).toBe("bad-sql");
    expect(error.message).toContain(says);
  });

  test("an error at a row", () => {
    using folder = tempFolder();
    using reader = openReader(database(folder));
    const { rows } = reader.iterate(
      "SELECT abs(-9223372036854775807 - (a = 2)) AS b FROM x ORDER BY a",
    );
    expect(readerError(() => [...rows]).message).toContain("integer overflow");
  });
});

describe("nothing to read", () => {
  const cases: [string, string, (folder: TempFolder) => string][] = [
    ["no file", "missing", (folder) => folder.file("no.db")],
    [
      "a folder",
      "is-folder",
      (folder) => {
        mkdirSync(folder.file("sub"));
        return folder.file("sub");
      },
    ],
    ["memory", "in-memory", () => ":memory:"],
    [
      "text",
      "not-sqlite",
      (folder) => {
        writeFileSync(folder.file("a.csv"), "id,name\n".repeat(100));
        return folder.file("a.csv");
      },
    ],
    [
      "short text",
      "not-sqlite",
      (folder) => {
        writeFileSync(folder.file("a.csv"), "id\n");
        return folder.file("a.csv");
      },
    ],
    [
      "half a database",
      "corrupt",
      (folder) => {
        const path = database(folder);
        truncateSync(path, 4096);
        return path;
      },
    ],
  ];
  test.each(cases)("%s: %s", (_, code, make) => {
    using folder = tempFolder();
    const path = make(folder);
    const before = folder.list();
    const error = readerError(() => openReader(path));
    expect(error.code as string).toBe(code);
    expect(error.message).toContain(path);
    expect(folder.list()).toEqual(before);
  });
});

const otherUser = process.getuid?.() === 0 && Bun.which("setpriv") !== null;

/** As root every folder can be written to, so this one is read as nobody. */
test.skipIf(!otherUser)("a WAL database in a folder that cannot be written", () => {
  using folder = tempFolder();
  const path = database(folder, "wal");
  chmodSync(path, 0o644);
  chmodSync(folder.path, 0o755);
  const code = `const { openReader } = require(${JSON.stringify(require.resolve("../../../src/store/read/reader.ts"))});
    const reader = openReader(${JSON.stringify(path)});
    console.log(JSON.stringify(reader.query("SELECT COUNT(*) AS n FROM x")));
    reader.close();`;
  const child = Bun.spawnSync(
    ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, "-e", code],
    { env: { ...process.env, HOME: folder.path } },
  );
  expect(child.stderr.toString()).toBe("");
  expect(child.stdout.toString()).toBe('[{"n":4}]\n');
  expect(folder.list()).toEqual(["a.db"]);
});

const someUser = process.getuid?.() === 0 ? otherUser : process.platform !== "win32";

test.skipIf(!someUser)(
  "a WAL database that is write-protected for a while can be written again",
  () => {
    using folder = tempFolder();
    const path = database(folder, "wal");
    chmodSync(folder.path, 0o777);
    if (otherUser) chownSync(path, 65_534, 65_534);
    const code = `const { chmodSync } = require("node:fs");
    const { Database } = require("bun:sqlite");
    const { openReader } = require(${JSON.stringify(require.resolve("../../../src/store/read/reader.ts"))});
    const path = ${JSON.stringify(path)};
    chmodSync(path, 0o444);
    const reader = openReader(path);
    console.log(JSON.stringify(reader.query("SELECT COUNT(*) AS n FROM x")));
    reader.close();
    chmodSync(path, 0o644);
    const db = new Database(path);
    db.run("CREATE TABLE y (a)");
    db.close();`;
    const as = otherUser ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
    const child = Bun.spawnSync([...as, process.execPath, "-e", code], {
      env: { ...process.env, HOME: folder.path },
    });
    expect(child.stderr.toString()).toBe("");
    expect(child.stdout.toString()).toBe('[{"n":4}]\n');
    expect(folder.list().filter((name) => name.startsWith("a.db"))).toEqual(["a.db"]);
  },
);

/** Held until the wait has been reported; each pause takes 6 s. */
function waiting(path: string): { busyHandler: BusyHandler; said: string[]; lock: () => void } {
  const other = new Database(path);
  const said: string[] = [];
  let now = 0;
  const deps = {
    say: (level: string, line: string) => said.push(`${level}: ${line}`),
    now: () => now,
    isGivenUp: () => false,
    sleep: () => {
      now += 6_000;
      if (said.length === 1) other.run("COMMIT");
    },
  };
  return {
    busyHandler: new BusyHandler(path, deps),
    said,
    lock: () => {
      said.length = 0;
      other.run("BEGIN EXCLUSIVE");
    },
  };
}

describe("another program's lock", () => {
  const waited = [
    expect.stringMatching(/^warn: .*a\.db is locked by .*; waiting until it lets go$/),
    expect.stringMatching(/^info: .*a\.db is free again, after \d+ s$/),
  ];

  test("is waited for and reported: at the open, at a query, in a snapshot, at rows", () => {
    using folder = tempFolder();
    const path = database(folder);
    const { busyHandler: waits, said, lock } = waiting(path);
    lock();
    using reader = openReader(path, waits);
    expect(said).toEqual(waited);
    const acts: readonly (() => unknown)[] = [
      () => reader.query("SELECT COUNT(*) AS n FROM x"),
      () => reader.snapshot(() => reader.query("SELECT COUNT(*) AS n FROM x")),
      () => [...reader.iterate("SELECT COUNT(*) AS n FROM x").rows],
    ];
    for (const act of acts) {
      lock();
      expect(act()).toEqual([{ n: 4 }]);
      expect(said).toEqual(waited);
    }
    const { rows } = reader.iterate("SELECT a FROM x");
    lock();
    expect([...rows]).toHaveLength(4);
    expect(said).toEqual(waited);
  });

  test("without a busy handler is an error that names the holder, and the next step", () => {
    using folder = tempFolder();
    const path = database(folder);
    const { lock } = waiting(path);
    lock();
    const { code, message } = readerError(() => openReader(path));
    expect(code).toBe("locked");
    expect(message).toMatch(/a\.db is locked by .*; wait for it to finish, or close it/);
  });
});
