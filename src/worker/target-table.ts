// The table that the rows of one call go to, and how conflicts are resolved. Checked once per call, for all its batches.

import { describeValue } from "../base/describe-value.ts";
import { JSON } from "../base/globals.ts";
import type { InsertOptions, UpsertOptions } from "../api/context.ts";
import type { WantedTable } from "../protocol/column-values.ts";
import type { TaskId } from "../protocol/ids.ts";
import { flawOfName, isSqlName } from "../protocol/sql-name.ts";
import type { OnConflict } from "../protocol/writer-records.ts";

export type CreatedTable = Pick<WantedTable, "id" | "table" | "call" | "key">;

export type TargetTable = {
  /** The call in error messages: `upsert into "posts"`. */
  readonly label: string;
  readonly key: readonly string[];
  /** Columns that `update` names: at least one row must have them. */
  readonly update: readonly string[];
  /** With `create: true`: the table is made where it is missing, and so are columns. */
  readonly created: CreatedTable | undefined;
  /** The beginning of a batch's JSON, without the end: `,"columns":…` follows. */
  readonly head: string;
};

/** @throws TypeError for a table name that is no string, is empty, has a NUL or half of a surrogate pair; for a wrong `create` */
export function insertTarget(id: TaskId, table: string, options?: InsertOptions): TargetTable {
  const label = `insert into ${named(table)}`;
  checkTable(table, label);
  const created = isCreated(options, label)
    ? ({ id, table, call: "insert", key: [] } as const)
    : undefined;
  return { label, key: [], update: [], created, head: head(id, table, { action: "fail" }) };
}

/** @throws TypeError for a missing or wrong `key`, `update` or `create` */
export function upsertTarget(id: TaskId, table: string, options: UpsertOptions): TargetTable {
  const label = `upsert into ${named(table)}`;
  checkTable(table, label);
  const key = keyColumns(options, label);
  const onConflict = conflict(key, options.update, label);
  const update = onConflict.action === "update" ? (onConflict.update ?? []) : [];
  const created = isCreated(options, label)
    ? ({ id, table, call: "upsert", key } as const)
    : undefined;
  return { label, key, update, created, head: head(id, table, onConflict) };
}

function isCreated(options: InsertOptions | undefined, label: string): boolean {
  const create: unknown = options?.create;
  if (create === undefined || create === false) return false;
  if (create === true) return true;
  throw new TypeError(
    `${label}: \`create\` is ${describeValue(create)}; pass true, to make the table from the rows, or false`,
  );
}

const named = (table: unknown): string =>
  typeof table === "string" ? JSON.stringify(table) : `a table that is ${describeValue(table)}`;

function checkTable(table: unknown, label: string): void {
  if (isSqlName(table)) return;
  const flaw = typeof table === "string" ? flawOfName(table) : undefined;
  const what = flaw === undefined ? "it is a string that is not empty" : `this one holds ${flaw}`;
  throw new TypeError(`${label}: pass the name of a table; ${what}`);
}

function keyColumns(options: UpsertOptions | undefined, label: string): readonly string[] {
  const key: unknown = options?.key;
  const columns: readonly unknown[] = Array.isArray(key) ? key : [key];
  if (!areNames(columns)) {
    throw new TypeError(
      `${label}: \`key\` must name the column, or columns, that identify a row, e.g. { key: "id" }`,
    );
  }
  return [...new Set(columns)];
}

function conflict(
  key: readonly string[],
  update: UpsertOptions["update"],
  label: string,
): OnConflict {
  if (update === undefined) return { action: "update", key, update: null };
  if (update === "nothing") return { action: "nothing", key };
  if (!Array.isArray(update) || !areNames(update)) {
    throw new TypeError(`${label}: \`update\` is a list of columns, or "nothing"`);
  }
  return { action: "update", key, update: [...new Set(update)] };
}

const areNames = (columns: readonly unknown[]): columns is readonly string[] =>
  columns.length > 0 && columns.every(isSqlName);

const head = (id: TaskId, table: string, onConflict: OnConflict): string =>
  `{"type":"rows","id":${id},"table":${JSON.stringify(table)},"onConflict":${JSON.stringify(onConflict)}`;
