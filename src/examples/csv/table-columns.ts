// What the columns of a table that is there already make of a value (https://sqlite.org/datatype3.html).

import type { TaskContext } from "pipeloom";

import { type Affinity, affinityOf, existingColumns, quoted } from "../table.ts";
import type { ColumnType } from "./types.ts";

export type TableColumn = {
  readonly name: string;
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
    return { name, affinity, stored: storedType(ctx, table, name, affinity) };
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
