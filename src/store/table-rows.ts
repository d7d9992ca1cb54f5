// What `pipeloom_tables` says of the user's tables: whether the rows of a task are as it left them.

import type { Database } from "bun:sqlite";

import { quoteIdentifier } from "../base/quote-identifier.ts";
import { JSON } from "../base/globals.ts";
import type { LeftTables } from "../protocol/reuse.ts";
import { onlyRow } from "./only-row.ts";
import { sqliteCode } from "./sqlite-error.ts";

export type TableRow = {
  readonly name: string;
  readonly epoch: number;
  readonly definition: string | null;
  readonly run_id: number | null;
  readonly rows: number | null;
};

/** In a damaged file, a name may be no text: no table has it then. */
export function tableRows(db: Database): readonly TableRow[] {
  using rows = db.prepare<TableRow, []>("SELECT * FROM pipeloom_tables");
  return rows.all().map((row) => ({ ...row, name: String(row.name) }));
}

/** Null for a table that is gone. */
export function countRows(db: Database, table: string): number | null {
  try {
    using rows = db.prepare<{ rows: number }, []>(
      `SELECT count(*) AS rows FROM main.${quoteIdentifier(table)}`,
    );
    return onlyRow(rows.get()).rows;
  } catch (thrown) {
    if (sqliteCode(thrown) === "SQLITE_ERROR") return null;
    throw thrown;
  }
}

/** As a run would find them: a table with another number of rows than the last run left was written by another program. */
export const withCounts = (db: Database, tables: readonly TableRow[]): readonly TableRow[] =>
  tables.map((row) =>
    row.rows !== null && countRows(db, row.name) === row.rows
      ? row
      : { ...row, epoch: row.epoch + 1, definition: null, run_id: null },
  );

/** Why rows of these tables may no longer be as a task left them; undefined where they are. */
export function whyChanged(
  tables: readonly TableRow[],
  { epochs, never }: LeftTables,
): string | undefined {
  if (never !== undefined) return never;
  for (const [name, epoch] of Object.entries(epochs)) {
    const now = tables.find((row) => row.name === name);
    if (now?.epoch !== epoch) return `"${name}" was written since by ${writer(now)}`;
  }
  return undefined;
}

const writer = (row: TableRow | undefined): string =>
  row === undefined || row.definition === null
    ? "another program, or it is not known"
    : `${row.definition} of run ${row.run_id}`;

export const noTables: LeftTables = { epochs: {} };

/** Of a definition's row. Text that pipeloom cannot have written counts as unknown. */
export function leftTables(text: string | null): LeftTables {
  if (text === null) return noTables;
  try {
    const parsed = JSON.parse(text) as LeftTables;
    if (typeof parsed.epochs === "object" && parsed.epochs !== null) return parsed;
  } catch {}
  return { epochs: {}, never: "what it has written is not known" };
}
