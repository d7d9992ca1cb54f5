// The table that data is loaded into: its name from what is loaded, and how it is written in SQL.

import { toFailure } from "../../base/failure.ts";
import { quoteIdentifier } from "../../base/quote-identifier.ts";
import { UsageError } from "../../cli/usage-error.ts";
import { checkTable } from "../../examples/example-table.ts";
import { commandWord } from "../../protocol/pipeloom-command.ts";

/**
 * `--table`, or the name of the only file or address: `sales 2026.csv.gz` → `sales_2026`.
 * @param names of the files, or last parts of the addresses
 * @throws UsageError where there is no such name, and for a reserved one
 */
export function targetTable(
  given: string | undefined,
  names: readonly string[],
  source: "file" | "address",
): string {
  const [only = "", ...others] = names;
  const table = given ?? (others.length === 0 ? tableNamed(only) : "");
  if (table === "") {
    const why =
      others.length > 0
        ? `the ${names.length} sources give no name`
        : `the name of the ${source} gives none`;
    throw new UsageError(`into which table? ${why}`, "e.g. --table sales");
  }
  try {
    checkTable(table);
  } catch (error) {
    throw new UsageError(toFailure(error).message);
  }
  return table;
}

/** A name that needs no quotes in SQL, if the file's name is not a keyword. */
function tableNamed(file: string): string {
  const stem = file.replace(/^\.+/, "").replace(/(?:\.[a-z]\w{0,6}){1,2}$/i, "");
  const name = stem.replaceAll(/[^\p{L}\p{N}_]+/gu, "_").replaceAll(/^_+|_+$/g, "");
  return /^\p{N}/u.test(name) ? `_${name}` : name;
}

/** Not all keywords of SQLite, but those that a file may be named after and that cannot be the name of a table. */
const keywords = new Set(
  "add all alter and as between case check collate commit constraint create default delete distinct drop else escape except exists foreign from group having in index insert intersect into is isnull join limit not notnull null on or order primary references returning select set table then to transaction union unique update using values when where".split(
    " ",
  ),
);

/** The command that shows the first rows, in quotes that every shell understands. */
export function queryCommand(table: string, db: string): string {
  const isPlain = /^[A-Za-z_]\w*$/.test(table) && !keywords.has(table.toLowerCase());
  const name = isPlain ? table : bracketed(table);
  const sql = `SELECT * FROM ${name ?? quoteIdentifier(table)} LIMIT 10`;
  const word = name === undefined ? commandWord(sql) : `"${sql}"`;
  const where = db === "pipeloom.db" ? "" : ` --db ${commandWord(db)}`;
  return `pipeloom query ${word}${where}`;
}

/** `[order]` needs no escape inside the double quotes of a shell, where `"order"` does. */
const bracketed = (name: string): string | undefined =>
  /[\]"'$`\\!%^\r\n]/.test(name) ? undefined : `[${name}]`;
