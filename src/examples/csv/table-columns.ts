// What the columns of a table that is there already make of a value (https://sqlite.org/datatype3.html).

import { message, type TaskContext } from "pipeloom";

import {
  type Affinity,
  affinityOf,
  columnsSql,
  createTableSql,
  type Existing,
  existingColumns,
  quoted,
  type TableShape,
} from "../target-table.ts";
import type { ColumnType } from "../../formats/csv/types.ts";

export type TableColumn = {
  readonly name: string;
  readonly declared: string;
  /** BLOB: whatever comes is stored as it is. */
  readonly affinity: Affinity;
  /** What its values are, REAL standing for numbers of both kinds; null where there is none. */
  readonly stored: ColumnType | null;
};

/** The columns of a table; none when there is no such table. */
export function tableColumns(ctx: TaskContext, table: string): TableColumn[] {
  const columns = existingColumns(ctx, table);
  return columns.map(({ name, type }) => {
    const affinity = affinityOf(type);
    return { name, declared: type, affinity, stored: storedType(ctx, table, name, affinity) };
  });
}

function storedType(
  ctx: TaskContext,
  table: string,
  column: string,
  affinity: Affinity,
): ColumnType | null {
  if (affinity === "NUMERIC") return "REAL";
  if (affinity !== "BLOB") return affinity;
  // Nothing is declared: the values tell, if they agree.
  const types = ctx.query<{ type: string }>(
    `SELECT DISTINCT typeof(${quoted(column)}) AS type FROM ${quoted(table)} WHERE ${quoted(column)} IS NOT NULL`,
  );
  if (types.length === 0) return null;
  const names = types.map(({ type }) => type);
  if (names.every((type) => type === "text")) return "TEXT";
  return names.every((type) => type === "integer") ? "INTEGER" : "REAL";
}

/** A table to be made, and the columns that it had when that was decided. */
type PlannedTable = TableShape & { readonly expected: readonly Existing[] };

const isSame = (a: readonly Existing[], b: readonly Existing[]): boolean =>
  a.length === b.length &&
  a.every(({ name, type }, i) => name === b[i]?.name && type === b[i]?.type);

/**
 * Makes the table. One that is there stays as it is, and must be the one that the files were compared with, or the one that
 * would be made.
 */
export const makeTable = message<PlannedTable>(
  "csv-table",
  (db, { table, columns, key, expected }) => {
    const there = db.all<Existing>(columnsSql, table);
    const isAsMade = expected.length === 0 && isSame(there, columns);
    if (!isAsMade && !isSame(there, expected)) {
      throw new Error(
        `the table ${JSON.stringify(table)} was made or changed while the files were looked through; run this again`,
      );
    }
    db.run(createTableSql(table, columns, key));
  },
);
