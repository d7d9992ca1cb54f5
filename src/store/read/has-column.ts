import type { Queries } from "../queries.ts";

/** Columns that were found, of each connection: they do not go away. */
const found = new WeakMap<Queries, Set<string>>();

/** A file of an earlier version is read as it is, without the columns and tables that came later. Users may have dropped a table. */
export function hasColumn(db: Queries, table: string, column: string): boolean {
  const columns = found.get(db) ?? new Set();
  found.set(db, columns);
  const name = `${table}.${column}`;
  if (columns.has(name)) return true;
  const sql = "SELECT 1 FROM pragma_table_info(?) WHERE name = ?";
  const isThere = db.query(sql, [table, column]).length > 0;
  if (isThere) columns.add(name);
  return isThere;
}
