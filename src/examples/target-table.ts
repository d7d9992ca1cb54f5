// The table that an example writes to, made when it is not there.

import { message, type TaskContext } from "pipeloom";

import { foldCase } from "../base/fold-case.ts";

type ColumnType = "INTEGER" | "REAL" | "TEXT";
type Column = { readonly name: string; readonly type: ColumnType | "" };

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export type Affinity = "INTEGER" | "TEXT" | "BLOB" | "REAL" | "NUMERIC";

/** How a column of a declared type converts what it stores (https://sqlite.org/datatype3.html, 3.1). */
export function affinityOf(declared: string): Affinity {
  const type = declared.toUpperCase();
  if (type.includes("INT")) return "INTEGER";
  if (/CHAR|CLOB|TEXT/.test(type)) return "TEXT";
  if (type.includes("BLOB") || type === "") return "BLOB";
  return /REAL|FLOA|DOUB/.test(type) ? "REAL" : "NUMERIC";
}

/** Tables that an example leaves alone: pipeloom's own, and SQLite's. */
const reservedTable = /^(?:pipeline_runs|task_runs|task_logs|(?:pipeloom|sqlite)_.*)$/i;

/** @throws Error for a table that is not the user's */
export function checkTable(table: string): void {
  if (!reservedTable.test(table)) return;
  throw new Error(`the table ${table} is not for your rows; choose another name with --table`);
}

/** SQLite's own bound, unless it was built with another. */
const mostColumns = 2000;

function checkWidth(table: string, columns: number): void {
  if (columns <= mostColumns) return;
  throw new Error(
    `the table ${table} would have ${columns} columns, and SQLite's tables have ${mostColumns} at most; split the data by columns, or make rows of them (name, value)`,
  );
}

/**
 * `CREATE TABLE IF NOT EXISTS …`. An integer key alone becomes the rowid, which is the fastest there is.
 * @throws Error for a table that is not the user's
 */
export function createTableSql(
  table: string,
  columns: readonly Column[],
  key: readonly string[],
): string {
  checkTable(table);
  checkWidth(table, columns.length);
  const [only] = key;
  const isAlone = key.length === 1;
  const lines = columns.map(({ name, type }) =>
    [quoted(name), type, isAlone && name === only ? "PRIMARY KEY" : ""]
      .filter((word) => word !== "")
      .join(" "),
  );
  if (key.length > 1) lines.push(`PRIMARY KEY (${key.map(quoted).join(", ")})`);
  return `CREATE TABLE IF NOT EXISTS ${quoted(table)} (${lines.join(", ")})`;
}

export type TableShape = {
  readonly table: string;
  readonly columns: readonly Column[];
  readonly key: readonly string[];
};

/** Makes the table, or adds the columns that it lacks. */
export const growTable = message<TableShape>("grow-table", (db, { table, columns, key }) => {
  db.run(createTableSql(table, columns, key));
  const there = db.all<{ name: string }>("SELECT name FROM pragma_table_xinfo(?)", table);
  const known = new Set(there.map(({ name }) => foldCase(name)));
  const missing = columns.filter(({ name }) => !known.has(foldCase(name)));
  checkWidth(table, known.size + missing.length);
  for (const { name, type } of missing) {
    db.run(`ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(name)} ${type}`);
  }
});

/** What a query gives, or nothing where nothing can be looked at: a run in `:memory:` begins empty. */
export function orNone<Result>(query: () => readonly Result[]): readonly Result[] {
  try {
    return query();
  } catch (error) {
    if (error instanceof Error && error.message.includes("database in memory")) return [];
    throw error;
  }
}

export type Existing = { readonly name: string; readonly type: string };

/** ANY converts nothing in a STRICT table, as a column without a type elsewhere; elsewhere it is NUMERIC. */
export const columnsSql =
  "SELECT name, iif(upper(type) = 'ANY' AND (SELECT strict FROM pragma_table_list(?1)), '', type) AS type FROM pragma_table_info(?1)";

/** The columns of a table that is there; none when there is no such table. */
export const existingColumns = (ctx: TaskContext, table: string): readonly Existing[] =>
  orNone(() => ctx.query<Existing>(columnsSql, table));
