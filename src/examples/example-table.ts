// The table that an example writes to. It is created if it does not exist.

import { message, type TaskContext } from "pipeloom";

import { foldCase } from "../base/fold-case.ts";
import { quoteIdentifier } from "../base/quote-identifier.ts";
import { ensureKey } from "./table-key.ts";

type ColumnType = "INTEGER" | "REAL" | "TEXT";
type Column = { readonly name: string; readonly type: ColumnType | "" };

/** Tables of pipeloom and of SQLite. */
const reservedTable =
  /^(?:pipeline_runs|task_runs|task_attempts|task_logs|(?:pipeloom|sqlite)_.*)$/i;

/** @throws Error for a reserved table */
export function checkTable(table: string): void {
  if (!reservedTable.test(table)) return;
  throw new Error(`the table name ${table} is reserved; choose another name with --table`);
}

/** SQLite's default limit (SQLITE_MAX_COLUMN). */
const mostColumns = 2000;

function checkWidth(table: string, columns: number): void {
  if (columns <= mostColumns) return;
  throw new Error(
    `the table ${table} would have ${columns} columns, but SQLite allows at most ${mostColumns}; split the data into several tables, or store it as rows of (name, value)`,
  );
}

/**
 * `CREATE TABLE IF NOT EXISTS …`. A single integer key becomes the rowid, which is the fastest key in SQLite.
 * @throws Error for a reserved table and for too many columns
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
    [quoteIdentifier(name), type, isAlone && name === only ? "PRIMARY KEY" : ""]
      .filter((word) => word !== "")
      .join(" "),
  );
  if (key.length > 1) lines.push(`PRIMARY KEY (${key.map(quoteIdentifier).join(", ")})`);
  return `CREATE TABLE IF NOT EXISTS ${quoteIdentifier(table)} (${lines.join(", ")})`;
}

export type TableShape = {
  readonly table: string;
  readonly columns: readonly Column[];
  readonly key: readonly string[];
};

/** Creates the table, or adds missing columns and the unique index of its key. */
export const growTable = message<TableShape>("grow-table", (db, { table, columns, key }) => {
  db.run(createTableSql(table, columns, key));
  const there = db.all<{ name: string }>("SELECT name FROM pragma_table_xinfo(?)", table);
  const known = new Set(there.map(({ name }) => foldCase(name)));
  const missing = columns.filter(({ name }) => !known.has(foldCase(name)));
  checkWidth(table, known.size + missing.length);
  for (const { name, type } of missing) {
    db.run(`ALTER TABLE ${quoteIdentifier(table)} ADD COLUMN ${quoteIdentifier(name)} ${type}`);
  }
  ensureKey(db, table, key);
});

/** Rows of a query. None for `:memory:`, where tasks cannot query; such a run starts with an empty database. */
export function orNone<Result>(query: () => readonly Result[]): readonly Result[] {
  try {
    return query();
  } catch (error) {
    if (error instanceof Error && error.message.includes("database in memory")) return [];
    throw error;
  }
}

/** What the columns of a table are read from: a task's context. */
export type Queried = Pick<TaskContext, "query">;

export type Existing = {
  readonly name: string;
  readonly type: string;
  /** 1: a value of another type is an error (a column of a STRICT table, or an INTEGER PRIMARY KEY). 0: SQLite stores any value. */
  readonly isStrict: number;
};

/** In a STRICT table, ANY converts nothing, so it counts as no type. In other tables, ANY has NUMERIC affinity. */
export const columnsSql = `WITH info AS (SELECT strict, wr FROM pragma_table_list(?1) LIMIT 1),
  columns AS (SELECT cid, name, type, pk, upper(type) AS upper FROM pragma_table_info(?1))
SELECT name, iif(upper = 'ANY' AND strict, '', type) AS type,
  iif(strict, upper <> 'ANY', NOT wr AND pk > 0 AND upper = 'INTEGER' AND (SELECT COUNT(*) FROM columns WHERE pk > 0) = 1) AS isStrict
FROM columns, info ORDER BY cid`;

/** The columns of a table; empty if the table does not exist. */
export const existingColumns = (ctx: Queried, table: string): readonly Existing[] =>
  orNone(() => ctx.query<Existing>(columnsSql, table));
