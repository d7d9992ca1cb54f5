// The table that a folder of files goes into: columns and types that hold all of them.

import type { Inspection } from "./inspect.ts";
import type { ColumnType } from "./types.ts";

export type Column = { readonly name: string; readonly type: ColumnType };

const typeNames: Readonly<Record<string, ColumnType>> = {
  int: "INTEGER",
  integer: "INTEGER",
  real: "REAL",
  float: "REAL",
  text: "TEXT",
};

/** What `--types` says: a type for some columns, or one for all. */
export type TypeOverrides = {
  readonly all: ColumnType | null;
  readonly columns: ReadonlyMap<string, ColumnType>;
};

/** Reads `id=integer,zip=text`, or `text` for all columns. @throws TypeError */
export function parseTypes(text: string): TypeOverrides {
  const columns = new Map<string, ColumnType>();
  let all: ColumnType | null = null;
  for (const item of text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")) {
    const split = item.lastIndexOf("=");
    const type =
      typeNames[
        item
          .slice(split + 1)
          .trim()
          .toLowerCase()
      ];
    if (type === undefined) {
      throw new TypeError(
        `types: ${JSON.stringify(item)} must be column=type, with the type integer, real or text`,
      );
    }
    if (split === -1) all = type;
    else columns.set(item.slice(0, split).trim(), type);
  }
  return { all, columns };
}

/** The narrower first: a column of several files has the widest of its types. */
const widths: readonly ColumnType[] = ["INTEGER", "REAL", "TEXT"];

/**
 * All files' columns, in the order they come, each wide enough for every file. A column without a value says nothing.
 * @throws TypeError for a `--types` column that no file has
 */
export function mergeColumns(
  files: readonly Inspection[],
  overrides: TypeOverrides,
): readonly Column[] {
  const types = new Map<string, ColumnType | null>();
  for (const file of files) {
    for (const { name, type, isEmpty } of file.columns) {
      types.set(name, widest(types.get(name) ?? null, isEmpty ? null : type));
    }
  }
  for (const name of overrides.columns.keys()) {
    if (!types.has(name)) {
      throw new TypeError(
        `types: no file has a column ${JSON.stringify(name)}; there are: ${[...types.keys()].join(", ")}`,
      );
    }
  }
  return Array.from(types, ([name, type]) => ({
    name,
    type: overrides.columns.get(name) ?? overrides.all ?? type ?? "TEXT",
  }));
}

function widest(a: ColumnType | null, b: ColumnType | null): ColumnType | null {
  if (a === null || b === null) return a ?? b;
  return widths.indexOf(a) > widths.indexOf(b) ? a : b;
}

/** How a column of a table that is there already takes values (https://sqlite.org/datatype3.html#type_affinity). */
export function typeOfDeclared(declared: string): ColumnType {
  const type = declared.toUpperCase();
  if (type.includes("INT")) return "INTEGER";
  if (/CHAR|CLOB|TEXT|BLOB/.test(type) || type === "") return "TEXT";
  return "REAL";
}
