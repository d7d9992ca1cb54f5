// The unique index that an upsert needs. A table that was loaded before without `--key` has none, so the importers make it.

import type { MessageDb } from "pipeloom";

import { foldCase } from "../base/fold-case.ts";
import { quoteIdentifier } from "../base/quote-identifier.ts";
import { codeOf } from "../base/system-error.ts";
import { grouped } from "../base/text.ts";

/** A task's context, or what a message or a reader can do. */
type Queried = { query<Row>(sql: string, ...params: string[]): readonly Row[] };

/** Columns of the primary key, and of each unique index that is not partial. */
const uniqueColumnsSql = `SELECT '' AS "index", name FROM pragma_table_info(?1) WHERE pk > 0
UNION ALL SELECT list.name, coalesce(info.name, '')
FROM pragma_index_list(?1) AS list, pragma_index_info(list.name) AS info WHERE list."unique" AND NOT list.partial`;

const nameSet = (names: readonly string[]): string =>
  JSON.stringify(names.map(foldCase).toSorted());

/** Whether the table is there, and none of its unique indexes has exactly these columns. Views cannot have an index. */
export function lacksKey(db: Queried, table: string, key: readonly string[]): boolean {
  if (key.length === 0) return false;
  const isTable =
    db.query("SELECT 1 FROM pragma_table_list(?) WHERE type = 'table'", table).length > 0;
  if (!isTable) return false;
  const unique = Map.groupBy(
    db.query<{ index: string; name: string }>(uniqueColumnsSql, table),
    ({ index }) => index,
  );
  const wanted = nameSet(key);
  return !unique.values().some((columns) => nameSet(columns.map(({ name }) => name)) === wanted);
}

/** What a run says that makes the index. */
export const keyNote = (table: string, key: readonly string[]): string =>
  `the table ${JSON.stringify(table)} has no unique index on (${key.join(", ")}), which --key needs: it gets one; its rows stay as they are`;

/**
 * Gives the table a unique index on the key, if it has none. No row is changed.
 * @throws Error if rows that are there have the same key
 */
export function ensureKey(db: MessageDb, table: string, key: readonly string[]): void {
  const queried: Queried = { query: (sql, ...params) => db.all(sql, ...params) };
  if (!lacksKey(queried, table, key)) return;
  const index = quoteIdentifier(freeName(queried, `${table}_${key.join("_")}`));
  try {
    db.run(`CREATE UNIQUE INDEX ${index} ON ${quoteIdentifier(table)} (${quoted(key)})`);
  } catch (error) {
    if (codeOf(error) === "SQLITE_CONSTRAINT_UNIQUE") checkKeys(queried, table, key);
    throw error;
  }
}

/**
 * Looks at all rows, so it is called where an index is missing.
 * @throws Error if rows have the same key. As in an index, a NULL is equal to nothing
 */
export function checkKeys(db: Queried, table: string, key: readonly string[]): void {
  const columns = key.map(quoteIdentifier);
  const values = columns.map((column, i) => `${column} AS key${i}`).join(", ");
  const isGiven = columns.map((column) => `${column} IS NOT NULL`).join(" AND ");
  const [twice] = db.query<Record<string, unknown>>(
    `SELECT COUNT(*) AS count, ${values} FROM ${quoteIdentifier(table)} WHERE ${isGiven} GROUP BY ${quoted(key)} HAVING COUNT(*) > 1 LIMIT 1`,
  );
  if (twice === undefined) return;
  const shown = key.map((name, i) => `${name} ${shownCell(twice[`key${i}`])}`).join(", ");
  throw new Error(
    `the table ${JSON.stringify(table)} has ${grouped(Number(twice["count"]))} rows with ${shown}, so (${key.join(", ")}) cannot be its key; load into another table (--table), or without --key`,
  );
}

const quoted = (names: readonly string[]): string => names.map(quoteIdentifier).join(", ");

function freeName(db: Queried, wanted: string): string {
  for (let i = 1; ; i++) {
    const name = i === 1 ? wanted : `${wanted}_${i}`;
    const found = db.query("SELECT 1 FROM sqlite_schema WHERE name = ? COLLATE NOCASE", name);
    if (found.length === 0) return name;
  }
}

function shownCell(cell: unknown): string {
  if (cell instanceof Uint8Array) return `a blob of ${cell.length} bytes`;
  if (typeof cell !== "string") return String(cell);
  return JSON.stringify(cell.length <= 60 ? cell : `${cell.slice(0, 60)}…`);
}
