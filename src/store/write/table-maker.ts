// `create: true`: makes the table of a unit's rows, and adds the columns that it lacks, in the unit's transaction. The caller can
// undo the unit.

import type { Database, Statement } from "bun:sqlite";

import { type Affinity, affinityOf } from "../../base/affinity.ts";
import { foldCase } from "../../base/fold-case.ts";
import { JSON } from "../../base/globals.ts";
import { quoteIdentifier } from "../../base/quote-identifier.ts";
import {
  changedKinds,
  type ColumnValues,
  type ExampleValue,
  typeOfValues,
  valueKinds,
  type WantedTable,
} from "../../protocol/column-values.ts";
import type { BusyHandler } from "../busy-handler.ts";
import { isOwnTable } from "../own-tables.ts";
import { isFatal } from "../store-error.ts";
import { RowsError } from "./rows-error.ts";

type Column = { readonly name: string; readonly type: string };

/** A view, or a virtual table, has other ways to get columns. `strict`: 1 or 0, as SQLite gives it. */
type TableKind = { readonly type: string; readonly strict: number | bigint };

export class TableMaker {
  readonly #db: Database;
  readonly #hasOwnTables: boolean;
  readonly #busyHandler: BusyHandler;
  /** Prepared on first use: most runs make no table. */
  #columns: Statement<Column, [string]> | undefined;

  /** @param hasOwnTables the file has pipeloom's own tables, which are not for rows of tasks */
  constructor(db: Database, hasOwnTables: boolean, busyHandler: BusyHandler) {
    this.#db = db;
    this.#hasOwnTables = hasOwnTables;
    this.#busyHandler = busyHandler;
  }

  /**
   * @throws RowsError for a table that cannot be made or changed, and for values that a column would change. The caller then
   *   undoes the unit.
   */
  apply(wanted: WantedTable): void {
    const { table, columns } = wanted;
    if (this.#hasOwnTables && (isOwnTable(table) || /^pipeloom_/i.test(table))) {
      throw new RowsError(
        `${label(wanted)}: names that begin with pipeloom_, and those of the tables in which pipeloom records its runs, are taken; choose another name`,
      );
    }
    checkKeys(wanted);
    const existing = this.#columnsOf(table);
    if (existing.length === 0) return this.#create(wanted);
    const types = new Map(existing.map(({ name, type }) => [foldCase(name), type]));
    const missing = columns.filter(({ name }) => !types.has(foldCase(name)));
    for (const column of columns) {
      const type = types.get(foldCase(column.name));
      if (type !== undefined) this.#checkValues(wanted, column, type);
    }
    if (missing.length > 0) this.#addColumns(wanted, missing, existing);
  }

  #columnsOf(table: string): readonly Column[] {
    this.#columns ??= this.#db.prepare("SELECT name, type FROM pragma_table_xinfo(?)");
    return this.#columns.all(table);
  }

  #create(wanted: WantedTable): void {
    const { table, key, columns } = wanted;
    const keys = new Set(key.map(foldCase));
    const isAlone = key.length === 1;
    const lines = columns.map(({ name, kinds }) => {
      const primary = isAlone && keys.has(foldCase(name)) ? " PRIMARY KEY" : "";
      return `${quoteIdentifier(name)} ${typeOfValues(kinds)}`.trimEnd() + primary;
    });
    if (key.length > 1) lines.push(`PRIMARY KEY (${key.map(quoteIdentifier).join(", ")})`);
    this.#run(wanted, `CREATE TABLE ${quoteIdentifier(table)} (${lines.join(", ")})`);
  }

  #addColumns(
    wanted: WantedTable,
    missing: readonly ColumnValues[],
    existing: readonly Column[],
  ): void {
    const { type, strict } = this.#kindOf(wanted.table);
    if (type !== "table") {
      const has = existing.map(({ name }) => name).join(", ");
      throw new RowsError(
        `${label(wanted)}: there is no column ${JSON.stringify(missing[0]?.name)}, and none can be added to a ${type === "view" ? type : "virtual table"}; it has: ${has}`,
      );
    }
    for (const { name, kinds } of missing) {
      // A STRICT table knows no column without a type.
      const declared = typeOfValues(kinds) || (Number(strict) === 1 ? "ANY" : "");
      this.#run(
        wanted,
        `ALTER TABLE ${quoteIdentifier(wanted.table)} ADD COLUMN ${quoteIdentifier(name)} ${declared}`,
      );
    }
  }

  /** SQLite would convert the value, and nobody would notice. */
  #checkValues(wanted: WantedTable, { name, kinds, examples }: ColumnValues, type: string): void {
    if ((kinds & changedKinds(affinityOf(type))) === 0) return;
    const isAny = type.toUpperCase() === "ANY" && Number(this.#kindOf(wanted.table).strict) === 1;
    const affinity = isAny ? "BLOB" : affinityOf(type);
    const changed = examples.find(({ kind }) => (kind & changedKinds(affinity)) !== 0);
    if (changed === undefined) return;
    throw new RowsError(
      `${label(wanted)}: ${JSON.stringify(name)} of rows[${changed.row}] is ${changed.shown}, and the column is ${type}, which would ${change(changed, affinity)}; give all rows values of the column's type, or declare the column without a type in the pipeline's \`schema\`, which keeps each value as it is`,
    );
  }

  #kindOf(table: string): TableKind {
    using kinds = this.#db.prepare<TableKind, [string]>(
      "SELECT type, strict FROM pragma_table_list(?) ORDER BY schema = 'temp' DESC",
    );
    return kinds.get(table) ?? { type: "table", strict: 0 };
  }

  #run(wanted: WantedTable, sql: string): void {
    try {
      this.#busyHandler.run(() => this.#db.run(sql));
    } catch (thrown) {
      if (isFatal(thrown) || !(thrown instanceof Error)) throw thrown;
      throw new RowsError(`${label(wanted)}: ${thrown.message} (${sql.slice(0, 200)})`, thrown);
    }
  }

  /** Finalizes the statement: before that, the connection cannot be closed. */
  close(): void {
    this.#columns?.finalize();
    this.#columns = undefined;
  }
}

/**
 * A NULL identifies no row. As a single integer key, SQLite would replace it by a number, which may be the key of another row.
 * @throws RowsError
 */
function checkKeys(wanted: WantedTable): void {
  const keys = new Set(wanted.key.map(foldCase));
  for (const { name, kinds, examples } of wanted.columns) {
    if ((kinds & valueKinds.null) === 0 || !keys.has(foldCase(name))) continue;
    const row = examples.find(({ kind }) => kind === valueKinds.null)?.row ?? 0;
    throw new RowsError(
      `${label(wanted)}: ${JSON.stringify(name)} of rows[${row}] is NULL, and it is the key; give each row a key, or insert the rows without one`,
    );
  }
}

const label = ({ call, table }: WantedTable): string => `${call} into ${JSON.stringify(table)}`;

function change({ kind }: ExampleValue, affinity: Affinity): string {
  if (affinity === "TEXT") return "store it as text";
  return kind === valueKinds.bigInteger ? "round it" : "store it as a number";
}
