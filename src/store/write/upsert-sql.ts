// The INSERT statements for rows of the user's tables. Pure.

import type { OnConflict } from "../../protocol/writer-records.ts";
import { assertNever } from "../../base/unreachable.ts";
import { quoteIdentifier } from "../../base/quote-identifier.ts";

const list = (names: readonly string[]): string => names.map(quoteIdentifier).join(", ");

/**
 * One INSERT with its conflict clause for `rows` rows. Its parameters are row after row, in the order of `columns`. Without
 * columns it inserts one row of defaults, whatever `rows` is.
 */
export function rowsSql(
  table: string,
  columns: readonly string[],
  onConflict: OnConflict,
  rows: number,
): string {
  const into = `INSERT INTO ${quoteIdentifier(table)}`;
  if (columns.length === 0) return `${into} DEFAULT VALUES`;
  const tuple = `(${columns.map(() => "?").join(",")})`;
  const values = Array.from({ length: rows }, () => tuple).join(",");
  return `${into} (${list(columns)}) VALUES ${values}${conflictClause(columns, onConflict)}`;
}

function conflictClause(columns: readonly string[], onConflict: OnConflict): string {
  switch (onConflict.action) {
    case "fail":
      return "";
    case "nothing":
      return ` ON CONFLICT (${list(onConflict.key)}) DO NOTHING`;
    case "update": {
      const set = updatedColumns(columns, onConflict.key, onConflict.update);
      const action =
        set.length === 0
          ? "NOTHING"
          : `UPDATE SET ${set.map((name) => `${quoteIdentifier(name)} = excluded.${quoteIdentifier(name)}`).join(", ")}`;
      return ` ON CONFLICT (${list(onConflict.key)}) DO ${action}`;
    }
    default:
      return assertNever(onConflict);
  }
}

/** Only given columns: for the others, `excluded` has defaults, which must not overwrite stored values. */
const updatedColumns = (
  columns: readonly string[],
  key: readonly string[],
  update: readonly string[] | null,
): readonly string[] =>
  update === null
    ? columns.filter((name) => !key.includes(name))
    : update.filter((name) => columns.includes(name));
