// The database of a run that can be continued, with the tables of each version of the schema, and random changes of it.

import { Database } from "bun:sqlite";
import { expect } from "bun:test";
import * as fc from "fast-check";
import { join } from "node:path";

import { migrate, migrations } from "../../src/store/migrate.ts";
import { isOwnTable } from "../../src/store/own-tables.ts";
import { executable } from "../support/program.ts";
import { tempFolder } from "../support/temp-folder.ts";

export const pipelineFile = join(import.meta.dir, "pipelines/resumable.ts");
export const db = "fuzz.db";

/** A table of another program in the same file. */
const others =
  "CREATE TABLE others (a INTEGER, b); INSERT INTO others VALUES (1, 'mine'), (2, x'00ff'), (3, NULL)";

export const othersText = `[{"a":1,"b":"mine"},{"a":2,"b":{"0":0,"1":255}},{"a":3,"b":null}]`;

/**
 * The file after the run, by version of the schema. The run failed, and its row says that it runs: it is dead, and a next
 * run continues it.
 */
export function makeDatabases(): readonly Uint8Array[] {
  using folder = tempFolder();
  const path = join(folder.path, db);
  const { exitCode } = Bun.spawnSync([executable, "run", pipelineFile, "--db", db], {
    cwd: folder.path,
    env: { ...process.env, FUZZ_FAILS: "1" },
  });
  expect(exitCode).toBe(1);
  using newest = new Database(path);
  newest.run("UPDATE pipeline_runs SET status = 'running'");
  newest.run(others);
  return migrations.map((_, index) => inVersion(index + 1, path));
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

/** `table`, `column` and `row` are taken modulo what there is. */
export type Change = {
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

export const change: fc.Arbitrary<Change> = fc.record({
  table: fc.nat(),
  column: fc.nat(),
  row: fc.nat(),
  sql: sqlValue,
});

export const at = <Item>(list: readonly Item[], index: number): Item =>
  list[index % list.length] as Item;

/** @returns what was changed */
export function apply(path: string, changes: readonly Change[]): string[] {
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

export function othersIn(path: string): string {
  using own = new Database(path);
  return JSON.stringify(own.query("SELECT * FROM others ORDER BY a").all());
}
