// Databases with random values in pipeloom's own tables, or with flipped bytes: commands give an answer or a clear error. They
// never crash, hang, or change the tables of others.

import { Database } from "bun:sqlite";
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import * as fc from "fast-check";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { migrate, migrations } from "../../src/store/migrate.ts";
import { isOwnTable } from "../../src/store/own-tables.ts";
import { executable } from "../support/program.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { call, expectAnswer } from "./call.ts";
import { fuzz } from "./fuzz.ts";

setDefaultTimeout(24 * 3_600_000);

const file = join(import.meta.dir, "pipelines/resumable.ts");
const db = "fuzz.db";

/** A table of another program in the same file. */
const others =
  "CREATE TABLE others (a INTEGER, b); INSERT INTO others VALUES (1, 'mine'), (2, x'00ff'), (3, NULL)";

const othersText = `[{"a":1,"b":"mine"},{"a":2,"b":{"0":0,"1":255}},{"a":3,"b":null}]`;

/** The file after the run, with the tables of each version of the schema. */
const whole: Uint8Array[] = [];

/** The run failed, and its row says that it runs: it is dead, and a next run continues it. */
function makeDatabases(): void {
  using folder = tempFolder();
  const path = join(folder.path, db);
  const { exitCode } = Bun.spawnSync([executable, "run", file, "--db", db], {
    cwd: folder.path,
    env: { ...process.env, FUZZ_FAILS: "1" },
  });
  expect(exitCode).toBe(1);
  using newest = new Database(path);
  newest.run("UPDATE pipeline_runs SET status = 'running'");
  newest.run(others);
  for (const version of migrations.keys()) whole.push(inVersion(version + 1, path));
}

const namesOf = (own: Database, sql: string): string[] =>
  own
    .query<{ name: string }, []>(sql)
    .all()
    .map(({ name }) => name);

const tablesOf = (own: Database, schema: string): string[] =>
  namesOf(
    own,
    `SELECT name FROM ${schema}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`,
  );

const columnsOf = (own: Database, schema: string, table: string): string[] =>
  namesOf(own, `SELECT name FROM pragma_table_info('${table}', '${schema}')`);

/** The file at `path`, as far as this version of the schema has its columns. */
function inVersion(version: number, path: string): Uint8Array {
  using old = new Database(":memory:");
  migrate(old, path, migrations.slice(0, version));
  old.run("ATTACH ? AS newest", [path]);
  const own = tablesOf(old, "main");
  for (const table of tablesOf(old, "newest")) {
    if (table === "pipeloom_schema") continue;
    if (own.includes(table)) {
      const names = columnsOf(old, "main", table);
      const shared = columnsOf(old, "newest", table)
        .filter((name) => names.includes(name))
        .join(", ");
      old.run(`INSERT INTO main.${table} (${shared}) SELECT ${shared} FROM newest.${table}`);
    } else if (!isOwnTable(table)) {
      const [sql = ""] = namesOf(
        old,
        `SELECT sql AS name FROM newest.sqlite_schema WHERE name = '${table}'`,
      );
      old.run(sql);
      old.run(`INSERT INTO main.${table} SELECT * FROM newest.${table}`);
    }
  }
  old.run("DETACH newest");
  return old.serialize();
}

beforeAll(makeDatabases);

/** `table`, `column` and `row` are taken modulo what there is. */
type Change = {
  readonly table: number;
  readonly column: number;
  readonly row: number;
  readonly sql: string;
};

const literal = (text: string): string => `'${text.replaceAll("\0", "").replaceAll("'", "''")}'`;

const sqlValue: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "NULL",
    "0",
    "-1",
    "1",
    "2",
    "1.5",
    "-0.0",
    "9e999",
    "-9e999",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "1e300",
    "x''",
    "x'ff00'",
    "CAST(x'ff' AS TEXT)",
    "''",
    "'null'",
    "'running'",
    "'done'",
    "'error'",
    "'queued'",
    "'skipped'",
    "'cancelled'",
    "'{}'",
    "'[]'",
    "'{'",
    "'[1'",
    `'{"name":1}'`,
    `'{"name":"a","message":"b","stack":1,"cause":1}'`,
    `'"x"'`,
    "'NaN'",
    "'2026-01-01'",
    "'+275760-09-13T00:00:00.000Z'",
    "'9999999999999999999'",
    "zeroblob(3000000)",
    "printf('%.*c', 3000000, 'x')",
    "char(0)",
    "'a' || char(0) || 'b'",
    "char(0xd800)",
    "printf('%.*c', 3000, '[')",
    "(SELECT key FROM task_runs ORDER BY random() LIMIT 1)",
  ),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.string({ unit: "binary" }).map(literal),
  fc.jsonValue().map((value) => literal(JSON.stringify(value))),
);

const change: fc.Arbitrary<Change> = fc.record({
  table: fc.nat(),
  column: fc.nat(),
  row: fc.nat(),
  sql: sqlValue,
});

const at = <Item>(list: readonly Item[], index: number): Item => list[index % list.length] as Item;

/** @returns what was changed */
function apply(path: string, changes: readonly Change[]): string[] {
  using own = new Database(path);
  return changes.map((wanted) => {
    const table = at(tablesOf(own, "main").filter(isOwnTable), wanted.table);
    const column = at(columnsOf(own, "main", table), wanted.column);
    const key = table === "task_runs" ? "run_id, id" : "rowid";
    const rows = own.query<{ n: number }, []>(`SELECT COUNT(*) AS n FROM ${table}`).get()?.n ?? 0;
    const set = `UPDATE ${table} SET ${column} = ${wanted.sql}`;
    const where = `(${key}) = (SELECT ${key} FROM ${table} LIMIT 1 OFFSET ${rows === 0 ? 0 : wanted.row % rows})`;
    try {
      own.run(`${set} WHERE ${where}`);
    } catch (error) {
      // A constraint refuses the value.
      return `${set}: ${String(error)}`;
    }
    return set;
  });
}

function othersIn(path: string): string {
  using own = new Database(path);
  return JSON.stringify(own.query("SELECT * FROM others ORDER BY a").all());
}

const looks = [
  ["status", "--db", db],
  ["status", "--db", db, "--format", "json"],
  ["status", "--db", db, "--run", "1"],
  ["status", "--db", db, "--watch"],
  ["query", "SELECT * FROM task_runs", "--db", db],
  ["cancel", "--db", db],
  ["cancel", "1", "--db", db],
  ["run", file, "--db", db, "--dry-run"],
];
const runs = [
  ["run", file, "--db", db],
  ["run", file, "--db", db, "--resume"],
  ["run", file, "--db", db, "--resume", "1"],
  ["run", file, "--db", db, "--fresh"],
  ["run", file, "--db", db, "--wait"],
  ["run", file, "--db", db, "--json"],
  ["run", file, "--db", db, "--no-store-task-status"],
  ["run", file, "--db", db, "--no-wal"],
  ["init-db", "--db", db],
];

const commands = fc.record({
  version: fc.nat(),
  look: fc.constantFrom(...looks),
  run: fc.constantFrom(...runs),
});

/** Looks, runs and looks again. */
function expectAnswers(folder: string, look: readonly string[], run: readonly string[]): void {
  expectAnswer(call(folder, ...look));
  expectAnswer(call(folder, ...run));
  expectAnswer(call(folder, "status", "--db", db));
}

test("random values in pipeloom's own tables", async () => {
  const input = fc.tuple(commands, fc.array(change, { minLength: 1, maxLength: 4 }));
  await fuzz(
    "values in pipeloom's tables",
    input,
    ([{ version, look, run }, changes]) => {
      using folder = tempFolder();
      const path = join(folder.path, db);
      writeFileSync(path, at(whole, version));
      const changed = apply(path, changes);
      try {
        expectAnswers(folder.path, look, run);
        expect(othersIn(path)).toBe(othersText);
      } catch (error) {
        throw new Error(`${changed.join("\n")}\n${String(error)}`, { cause: error });
      }
    },
    8,
  );
});

/** Statements that change the schema, as another program or an author might. */
const schemaChanges = [
  "DROP TABLE task_runs",
  "DROP TABLE task_logs",
  "DROP TABLE pipeline_runs",
  "DROP TABLE pipeloom_schema",
  "DELETE FROM pipeloom_schema",
  "INSERT INTO pipeloom_schema VALUES (1)",
  "DELETE FROM pipeline_runs",
  "DELETE FROM task_runs",
  "ALTER TABLE task_runs RENAME COLUMN result TO outcome",
  "ALTER TABLE task_runs ADD COLUMN mine TEXT",
  "ALTER TABLE pipeline_runs ADD COLUMN mine TEXT NOT NULL DEFAULT 'x'",
  "ALTER TABLE pipeline_runs RENAME TO pipeline_runs_old",
  "ALTER TABLE task_runs RENAME TO x; CREATE VIEW task_runs AS SELECT * FROM x",
  "ALTER TABLE task_runs RENAME TO x; CREATE TABLE task_runs (id INTEGER)",
  "ALTER TABLE task_runs RENAME TO x; CREATE TABLE task_runs AS SELECT * FROM x",
  "CREATE TRIGGER no BEFORE UPDATE ON pipeline_runs BEGIN SELECT RAISE(ABORT, 'not allowed'); END",
  "CREATE TRIGGER no BEFORE INSERT ON task_runs BEGIN SELECT RAISE(ABORT, 'not allowed'); END",
  "CREATE TRIGGER no AFTER INSERT ON task_runs BEGIN INSERT INTO nowhere VALUES (1); END",
  "CREATE TRIGGER no BEFORE UPDATE ON task_runs BEGIN SELECT RAISE(IGNORE); END",
  "CREATE UNIQUE INDEX one ON task_runs (name)",
  "CREATE UNIQUE INDEX one ON pipeline_runs (pipeline)",
  "CREATE INDEX odd ON task_runs (json_extract(result, '$.a'))",
  "DROP TABLE steps; CREATE VIEW steps AS SELECT 1 AS at",
  "DROP TABLE loaded; CREATE TABLE loaded (n TEXT)",
  "CREATE TRIGGER no BEFORE INSERT ON steps BEGIN SELECT RAISE(ROLLBACK, 'not allowed'); END",
  "PRAGMA user_version = 99",
  "PRAGMA application_id = 99",
  "PRAGMA auto_vacuum = FULL; VACUUM",
  "PRAGMA encoding = 'UTF-16'",
  "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE task_runs (' WHERE name = 'task_runs'",
  "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'pipeline_runs'",
  "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'task_logs'",
];

test("another schema", async () => {
  const input = fc.tuple(commands, fc.subarray(schemaChanges, { minLength: 1, maxLength: 2 }));
  await fuzz(
    "schemas",
    input,
    ([{ version, look, run }, changes]) => {
      using folder = tempFolder();
      const path = join(folder.path, db);
      writeFileSync(path, at(whole, version));
      for (const sql of changes) {
        using own = new Database(path);
        try {
          own.run(sql);
        } catch {
          // One change can prevent the other.
        }
      }
      expectAnswers(folder.path, look, run);
    },
    5,
  );
});

test("bytes that were flipped in a file of any version", async () => {
  const flip = fc.record({ at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) });
  const input = fc.tuple(
    commands,
    fc.array(flip, { minLength: 1, maxLength: 8 }),
    fc.option(fc.nat()),
  );
  await fuzz(
    "flipped bytes of a database",
    input,
    ([{ version, look, run }, flips, length]) => {
      using folder = tempFolder();
      const bytes = Buffer.from(at(whole, version));
      for (const { at: offset, bytes: written } of flips)
        bytes.set(
          written.subarray(0, bytes.length - (offset % bytes.length)),
          offset % bytes.length,
        );
      writeFileSync(
        join(folder.path, db),
        length === null ? bytes : bytes.subarray(0, length % bytes.length),
      );
      expectAnswers(folder.path, look, run);
    },
    5,
  );
});
