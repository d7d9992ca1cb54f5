// The columns of an existing table, and how they convert values (https://sqlite.org/datatype3.html).

import { message } from "pipeloom";

import { type Affinity, affinityOf } from "../../base/affinity.ts";
import { quoteIdentifier } from "../../base/quote-identifier.ts";
import {
  columnsSql,
  createTableSql,
  type Existing,
  existingColumns,
  type Queried,
  type TableShape,
} from "../example-table.ts";
import { ensureKey } from "../table-key.ts";
import type { ColumnType } from "../../formats/csv/types.ts";

export type TableColumn = {
  readonly name: string;
  readonly declared: string;
  /** BLOB: every value is stored unchanged. */
  readonly affinity: Affinity;
  /** A value of another type is an error: the column is of a STRICT table, or an INTEGER PRIMARY KEY. */
  readonly isStrict: boolean;
  /** Type of the stored values; REAL includes integers. Null: the column has no values. */
  readonly stored: ColumnType | null;
};

/** The columns of a table; empty if the table does not exist. */
export function tableColumns(ctx: Queried, table: string): TableColumn[] {
  const columns = existingColumns(ctx, table);
  return columns.map(({ name, type, isStrict }) => {
    const affinity = affinityOf(type);
    const stored = storedType(ctx, table, name, affinity);
    return { name, declared: type, affinity, isStrict: isStrict === 1, stored };
  });
}

function storedType(
  ctx: Queried,
  table: string,
  column: string,
  affinity: Affinity,
): ColumnType | null {
  if (affinity === "NUMERIC") return "REAL";
  if (affinity !== "BLOB") return affinity;
  // No declared type: infer it from the stored values.
  const types = ctx.query<{ type: string }>(
    `SELECT DISTINCT typeof(${quoteIdentifier(column)}) AS type FROM ${quoteIdentifier(table)} WHERE ${quoteIdentifier(column)} IS NOT NULL`,
  );
  if (types.length === 0) return null;
  const names = types.map(({ type }) => type);
  if (names.every((type) => type === "text")) return "TEXT";
  return names.every((type) => type === "integer") ? "INTEGER" : "REAL";
}

/** The table to create, and its columns at planning time. */
type PlannedTable = TableShape & { readonly expected: readonly Typed[] };

type Typed = Pick<Existing, "name" | "type">;

const isSame = (a: readonly Typed[], b: readonly Typed[]): boolean =>
  a.length === b.length &&
  a.every(({ name, type }, i) => name === b[i]?.name && type === b[i]?.type);

/**
 * Creates the table. An existing one only gets the unique index of its key. Its columns must be those at planning time, or
 * those of the planned table.
 */
export const makeTable = message<PlannedTable>(
  "csv-table",
  (db, { table, columns, key, expected }) => {
    const there = db.all<Existing>(columnsSql, table);
    const isAsMade = expected.length === 0 && isSame(there, columns);
    if (!isAsMade && !isSame(there, expected)) {
      throw new Error(
        `the table ${JSON.stringify(table)} was created or changed while the files were inspected; run this again`,
      );
    }
    db.run(createTableSql(table, columns, key));
    ensureKey(db, table, key);
  },
);
