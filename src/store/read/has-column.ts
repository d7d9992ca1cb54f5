import type { Row } from "./reader.ts";

type Queries = { query(sql: string, params?: readonly string[]): readonly Row[] };

/** A file of an earlier version is read as it is, without the columns that came later. */
export const hasColumn = (db: Queries, table: string, column: string): boolean =>
  db.query("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", [table, column]).length > 0;
