import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { migrate, migrations, schemaVersion } from "../../src/store/migrate.ts";
import { openDatabase } from "../../src/store/open-database.ts";
import { prepareRun } from "../../src/store/write/prepare-run.ts";
import { options, request, storeError } from "./write/options.ts";
import { tempFolder } from "./write/temp-folder.ts";

const first =
  "CREATE TABLE task_runs (run_id INTEGER, id INTEGER, PRIMARY KEY (run_id, id)) WITHOUT ROWID";
const second =
  "ALTER TABLE task_runs ADD COLUMN worker INTEGER; CREATE TABLE task_logs (line TEXT)";
const broken = "CREATE TABLE task_logs (line TEXT); INSERT INTO no_such_table VALUES (1)";

const schema = (db: Database): unknown[] =>
  db.query("SELECT type, name, sql FROM sqlite_schema ORDER BY name").values();

describe("migrate", () => {
  test("makes the tables once, and then does not write", () => {
    using db = new Database(":memory:");
    expect(migrate(db, "a.db")).toEqual({ from: 0, to: migrations.length });
    const changes = db.query("SELECT total_changes()").values();
    expect(migrate(db, "a.db")).toEqual({ from: migrations.length, to: migrations.length });
    expect(db.query("SELECT total_changes()").values()).toEqual(changes);
    expect(db.query("SELECT version FROM pipeloom_schema").values()).toEqual([[migrations.length]]);
  });

  test("leads an older version to a newer one, and keeps the rows", () => {
    using db = new Database(":memory:");
    migrate(db, "a.db", [first]);
    db.run("INSERT INTO task_runs VALUES (1, 1), (1, 2)");
    expect(schemaVersion(db, "a.db", [first, second])).toBe(1);
    expect(migrate(db, "a.db", [first, second])).toEqual({ from: 1, to: 2 });
    expect(db.query("SELECT * FROM task_runs").values()).toEqual([
      [1, 1, null],
      [1, 2, null],
    ]);
    expect(schemaVersion(db, "a.db", [first, second])).toBe(2);
  });

  test("several versions at once come to what one at a time comes to", () => {
    using slow = new Database(":memory:");
    migrate(slow, "a.db", [first]);
    migrate(slow, "a.db", [first, second]);
    using fast = new Database(":memory:");
    expect(migrate(fast, "a.db", [first, second])).toEqual({ from: 0, to: 2 });
    expect(schema(fast)).toEqual(schema(slow));
  });

  test("a step that fails leaves the version before it, whole", () => {
    using db = new Database(":memory:");
    migrate(db, "a.db", [first]);
    const before = schema(db);
    expect(storeError(() => migrate(db, "a.db", [first, broken]))).toEqual({
      code: "table-clash",
      message:
        "a.db has tables of pipeloom's that are not as version 1 made them (no such table: no_such_table); restore a copy, or choose another file with --db",
    });
    expect(schema(db)).toEqual(before);
    expect(schemaVersion(db, "a.db", [first])).toBe(1);
  });

  test("a newer version is refused", () => {
    using db = new Database(":memory:");
    migrate(db, "a.db", [first, second]);
    const error = storeError(() => migrate(db, "a.db", [first]));
    expect(error.code).toBe("newer-version");
    expect(error.message).toContain("version 2, this one knows up to 1");
  });

  test("columns and indexes that someone added are welcome", () => {
    using db = new Database(":memory:");
    migrate(db, "a.db");
    db.run("ALTER TABLE task_runs ADD COLUMN note TEXT");
    db.run("CREATE INDEX mine ON task_runs (status)");
    expect(schemaVersion(db, "a.db")).toBe(migrations.length);
  });

  const strangers: [string, string][] = [
    ["our table without our version", "CREATE TABLE task_runs (id)"],
    ["another pipeloom_schema", "CREATE TABLE pipeloom_schema (key, value)"],
    ["no version in it", "CREATE TABLE pipeloom_schema (version INTEGER NOT NULL)"],
    [
      "two versions in it",
      "CREATE TABLE pipeloom_schema (version); INSERT INTO pipeloom_schema VALUES (1), (1)",
    ],
    [
      "a version that is text",
      "CREATE TABLE pipeloom_schema (version); INSERT INTO pipeloom_schema VALUES ('one')",
    ],
    [
      "version zero",
      "CREATE TABLE pipeloom_schema (version); INSERT INTO pipeloom_schema VALUES (0)",
    ],
    [
      "a version without its tables",
      "CREATE TABLE pipeloom_schema (version); INSERT INTO pipeloom_schema VALUES (1)",
    ],
    ["an index under our name", "CREATE TABLE x (a); CREATE INDEX task_logs ON x (a)"],
  ];
  test.each(strangers)("refused: %s", (_, sql) => {
    using db = new Database(":memory:");
    db.run(sql);
    const before = schema(db);
    expect(storeError(() => migrate(db, "a.db")).code).toBe("table-clash");
    expect(schema(db)).toEqual(before);
  });
});

/** A run of version 1 as it was written then; see the .sql beside it. A released version is never edited. */
const fixtures = join(import.meta.dir, "../fixtures");

test("a database of version 1 keeps opening, with its rows", () => {
  using folder = tempFolder();
  const path = folder.file("old.db");
  copyFileSync(join(fixtures, "v1.sqlite"), path);
  using db = openDatabase(options(path));
  expect(schemaVersion(db, path)).toBe(migrations.length);
  const statuses = "SELECT status, COUNT(*) FROM task_runs GROUP BY status ORDER BY status";
  expect(db.query(statuses).values()).toEqual([
    ["done", 2],
    ["error", 1],
    ["queued", 1],
  ]);
  expect(db.query("SELECT COUNT(*) FROM task_runs WHERE status <> 'done'").values()).toEqual([[2]]);
  expect(db.query("SELECT line FROM task_logs").values()).toEqual([["three rows"]]);
  expect(db.query("SELECT id, title FROM posts").values()).toEqual([[1, "a post of the user's"]]);
});

test("a run that died under version 1 is continued", () => {
  using folder = tempFolder();
  const path = folder.file("old.db");
  copyFileSync(join(fixtures, "v1.sqlite"), path);
  using db = openDatabase(options(path));
  const run = prepareRun(db, options(path), request(), Date.now());
  expect(run).toMatchObject({ id: 2, resumed: true, otherCode: false });
  run.lock.release();
});

test("a run that died under version 2 is continued: what it did is kept, and other code is said", () => {
  using folder = tempFolder();
  const path = folder.file("old.db");
  copyFileSync(join(fixtures, "v2.sqlite"), path);
  using db = openDatabase(options(path));
  expect(schemaVersion(db, path)).toBe(migrations.length);
  const tasks = ["list-pages", "load-page"];
  const code = new Map(tasks.map((name) => [name, `${name} in 3`]));
  const asked = request({ tasks, code: "0dd" });
  const run = prepareRun(db, options(path), asked, Date.now(), { code, parts: [] });
  expect(run).toMatchObject({ id: 1, resumed: true, alreadyDone: 2, otherCode: true, reruns: [] });
  run.lock.release();
  const kept = "SELECT id, status, cursor, fingerprint FROM task_runs ORDER BY id";
  expect(db.query(kept).values()).toEqual([
    [1, "done", null, null],
    [2, "done", '"page 2"', null],
    [3, "queued", '"page 4"', null],
  ]);
  // From now on its code is known. Whether version 2 inserted rows is not: a change asks.
  const changed = new Map([...code, ["load-page", "edited"]]);
  const edited = storeError(() =>
    prepareRun(db, options(path), request({ tasks, code: "1dd" }), Date.now(), {
      code: changed,
      parts: [],
    }),
  );
  expect(edited.code).toBe("would-repeat");
});

test("each version is what one step after the other makes of the one before", () => {
  using db = new Database(":memory:");
  for (const [index] of migrations.entries()) migrate(db, "a.db", migrations.slice(0, index + 1));
  expect(columnsOf(db, "pipeline_runs").slice(-5)).toEqual([
    "stretch",
    "graph",
    "scheduled_for",
    "previous_slot",
    "engine",
  ]);
  expect(columnsOf(db, "task_runs").slice(-4)).toEqual(["needs", "worker", "position", "machine"]);
  expect(columnsOf(db, "task_attempts")).toHaveLength(9);
});

const columnsOf = (db: Database, table: string): unknown[] =>
  db.query("SELECT name FROM pragma_table_info(?)").values(table).flat();

const shape = (db: Database): unknown[] =>
  db
    .query(
      "SELECT t.name, c.* FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name <> 'posts' ORDER BY 1, 2",
    )
    .values();

test.each([1, 2])("version %d is what was released", (version) => {
  const stored = readFileSync(join(fixtures, `v${version}.sql`), "utf8");
  using then = new Database(":memory:");
  then.run(stored);
  using now = new Database(":memory:");
  migrate(now, "a.db", migrations.slice(0, version));
  expect(shape(now)).toEqual(shape(then));
});
