// Where the rows of one call go, checked once: what the parts of all its chunks share.

import { JSON } from "../base/globals.ts";
import type { UpsertOptions } from "../api/context.ts";
import type { TaskId } from "../protocol/ids.ts";
import type { OnConflict } from "../protocol/messages.ts";

export type RowsTarget = {
  /** For messages: `upsert into "posts"`. */
  readonly what: string;
  readonly key: readonly string[];
  /** Columns that `update` names and some row must have. */
  readonly update: readonly string[];
  /** The beginning of a part's JSON, open for `,"columns":…`. */
  readonly head: string;
};

/** @throws TypeError for a table that is not a name */
export function insertTarget(id: TaskId, table: string): RowsTarget {
  const what = `insert into ${named(table)}`;
  checkTable(table, what);
  return { what, key: [], update: [], head: head(id, table, { action: "fail" }) };
}

/** @throws TypeError for a missing or wrong `key` or `update` */
export function upsertTarget(id: TaskId, table: string, options: UpsertOptions): RowsTarget {
  const what = `upsert into ${named(table)}`;
  checkTable(table, what);
  const key = keyColumns(options, what);
  const onConflict = conflict(key, options.update, what);
  const update = onConflict.action === "update" ? (onConflict.update ?? []) : [];
  return { what, key, update, head: head(id, table, onConflict) };
}

const named = (table: unknown): string =>
  typeof table === "string" ? JSON.stringify(table) : `a table that is a ${typeof table}`;

function checkTable(table: unknown, what: string): void {
  if (typeof table !== "string" || table === "" || table.includes("\0")) {
    throw new TypeError(`${what}: the table must be the name of one`);
  }
}

function keyColumns(options: UpsertOptions | undefined, what: string): readonly string[] {
  const key: unknown = options?.key;
  const columns: readonly unknown[] = Array.isArray(key) ? key : [key];
  if (!areNames(columns)) {
    throw new TypeError(
      `${what}: \`key\` must name the column, or columns, that tell a row from another, e.g. { key: "id" }`,
    );
  }
  return [...new Set(columns)];
}

function conflict(
  key: readonly string[],
  update: UpsertOptions["update"],
  what: string,
): OnConflict {
  if (update === undefined) return { action: "update", key, update: null };
  if (update === "nothing") return { action: "nothing", key };
  if (!Array.isArray(update) || !areNames(update)) {
    throw new TypeError(`${what}: \`update\` is a list of columns, or "nothing"`);
  }
  return { action: "update", key, update: [...new Set(update)] };
}

const areNames = (columns: readonly unknown[]): columns is readonly string[] =>
  columns.length > 0 &&
  columns.every((name) => typeof name === "string" && name !== "" && !name.includes("\0"));

const head = (id: TaskId, table: string, onConflict: OnConflict): string =>
  `{"type":"rows","id":${id},"table":${JSON.stringify(table)},"onConflict":${JSON.stringify(onConflict)}`;
