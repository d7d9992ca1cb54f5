// Plans the table for a folder of files: column types that keep every field exactly as it is written. If an existing
// table would change a field, planning fails with a remedy.

import type { Affinity } from "../../base/affinity.ts";
import type { Example, InspectedColumn } from "../../formats/csv/column-kinds.ts";
import { shellWord } from "../../base/shell-words.ts";
import type { Inspection, Note } from "../../formats/csv/inspect.ts";
import { ByName } from "./names.ts";
import type { CellKind } from "../../formats/csv/csv-file.ts";
import type { TableColumn } from "./table-columns.ts";
import { type ColumnType, kinds, typeOfKinds } from "../../formats/csv/types.ts";

const typeNames: Readonly<Record<string, ColumnType>> = {
  int: "INTEGER",
  integer: "INTEGER",
  real: "REAL",
  float: "REAL",
  text: "TEXT",
};

/** `--types`: a type for some columns, or one type for all. */
type TypeOverrides = {
  readonly all: ColumnType | null;
  readonly columns: ByName<{ readonly name: string; readonly type: ColumnType }>;
};

/** Reads `id=integer,zip=text`, or `text` for all columns. @throws TypeError */
export function parseTypes(text: string): TypeOverrides {
  const columns = new ByName<{ name: string; type: ColumnType }>();
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
        `${JSON.stringify(item)} must be column=type, with the type integer, real or text`,
      );
    }
    if (split === -1) all = type;
    else {
      const name = item.slice(0, split).trim();
      columns.set(name, { name, type });
    }
  }
  return { all, columns };
}

/** Columns whose fields must all be inspected, because a numeric column would change some of them. */
export function numberColumns(
  existing: readonly TableColumn[],
  { all, columns }: TypeOverrides,
): string[] | "all" {
  if (all !== null && all !== "TEXT") return "all";
  const held = existing.filter(({ affinity }) => affinity !== "TEXT" && affinity !== "BLOB");
  const asked = Array.from(columns.values()).filter(({ type }) => type !== "TEXT");
  return [...held, ...asked].map(({ name }) => name);
}

/** The target table and the user's options. */
type Wanted = {
  readonly table: string;
  /** Columns of the existing table; empty if it does not exist. */
  readonly existing: readonly TableColumn[];
  readonly key: readonly string[];
  readonly types: TypeOverrides;
};

type PlannedColumn = {
  readonly name: string;
  /** Declared type, if the table is created. */
  readonly type: ColumnType;
  readonly as: CellKind;
};

export class Plan {
  readonly columns: ByName<PlannedColumn>;
  readonly notes: readonly Note[];

  constructor(columns: readonly PlannedColumn[], notes: readonly Note[]) {
    this.columns = new ByName(columns.map((column) => [column.name, column]));
    this.notes = notes;
  }

  /** A column of a file or of the key, by its name in any case. */
  column(name: string): PlannedColumn {
    const column = this.columns.get(name);
    if (column === undefined) throw new Error(`Internal error: no plan for the column ${name}`);
    return column;
  }
}

/**
 * Merges the columns of all files, in order of appearance.
 * @throws Error for a file that does not fit the table, and for fields that the table would change
 */
export function planTable(files: readonly Inspection[], wanted: Wanted): Plan {
  const columns = mergeColumns(files, wanted);
  checkNames(columns, wanted);
  if (wanted.existing.length === 0) checkFiles(files);
  const judged = Array.from(columns.values(), (column) => judge(column, wanted));
  const problems = judged.flatMap(({ problem }) => (problem === null ? [] : [problem]));
  if (problems.length > 0) throw new Error(problems.join("\n"));
  const notes = judged.flatMap(({ note }) => (note === null ? [] : [note]));
  return new Plan(
    judged.map(({ planned }) => planned),
    [...notes, ...keptAsText(judged)],
  );
}

/** One column, merged from all files. */
type Merged = {
  readonly name: string;
  kinds: number;
  /** Kind → the first field of that kind, and its file. */
  readonly examples: Map<number, Example & { readonly path: string }>;
  isComplete: boolean;
};

/** In SQLite, `ID` and `id` are the same column. Its name comes from the table, or else from the first file. */
function mergeColumns(files: readonly Inspection[], { existing }: Wanted): ByName<Merged> {
  const names = new ByName(existing.map(({ name }) => [name, name]));
  const merged = new ByName<Merged>();
  for (const { path, columns } of files) {
    for (const column of columns) {
      const known = merged.get(column.name);
      const one = known ?? {
        name: names.get(column.name) ?? column.name,
        kinds: kinds.empty,
        examples: new Map(),
        isComplete: true,
      };
      if (known === undefined) merged.set(one.name, one);
      addColumn(one, column, path);
    }
  }
  return merged;
}

function addColumn(merged: Merged, column: InspectedColumn, path: string): void {
  merged.kinds |= column.kinds;
  merged.isComplete &&= column.isComplete;
  for (const [kind, example] of Object.entries(column.examples)) {
    if (!merged.examples.has(Number(kind))) merged.examples.set(Number(kind), { ...example, path });
  }
}

const listed = (columns: ByName<{ readonly name: string }>): string =>
  Array.from(columns.values(), ({ name }) => name).join(", ");

function checkNames(columns: ByName<Merged>, { table, existing, types }: Wanted): void {
  for (const { name } of types.columns.values()) {
    if (columns.get(name) !== undefined) continue;
    throw new Error(
      `--types: no file has a column ${JSON.stringify(name)}; there are: ${listed(columns)}`,
    );
  }
  if (existing.length === 0) return;
  const there = new ByName(existing.map((column) => [column.name, column]));
  for (const { name } of columns.values()) {
    if (there.get(name) !== undefined) continue;
    throw new Error(
      `the table ${JSON.stringify(table)} has no column ${JSON.stringify(name)}; it has: ${listed(there)}. Add it (ALTER TABLE … ADD COLUMN), or load into another --table`,
    );
  }
}

/** A file that shares no column with the others is probably not data, e.g. a note. */
function checkFiles(files: readonly Inspection[]): void {
  if (files.length < 2) return;
  const counts = new ByName<{ count: number }>();
  for (const { name } of files.flatMap(({ columns }) => columns)) {
    const known = counts.get(name);
    if (known === undefined) counts.set(name, { count: 1 });
    else known.count++;
  }
  const lonely = files.filter(({ columns }) =>
    columns.every(({ name }) => (counts.get(name)?.count ?? 0) === 1),
  );
  const [first] = lonely;
  if (first === undefined) return;
  throw new Error(
    `${lonely.map(({ path }) => path).join(", ")}: no column in common with the other files (${first.path} begins with ${JSON.stringify(first.columns[0]?.name)}); move away files that are not data, or load the files one by one`,
  );
}

type Judged = {
  readonly column: Merged;
  readonly planned: PlannedColumn;
  readonly problem: string | null;
  readonly note: Note | null;
  /** Neither `--types` nor an existing table sets the column's type. */
  readonly isInferred: boolean;
};

function judge(column: Merged, wanted: Wanted): Judged {
  const { name } = column;
  const asked = wanted.types.columns.get(name)?.type ?? wanted.types.all;
  const isKey = new ByName(wanted.key.map((each) => [each, each])).get(name) !== undefined;
  const there = new ByName(wanted.existing.map((each) => [each.name, each])).get(name);
  const type = asked ?? there?.stored ?? typeOfKinds(column.kinds, isKey);
  const affinity = there?.affinity ?? type;
  const as = cellKind(there?.affinity === "TEXT" ? "TEXT" : type, asked);
  const isNew = there === undefined;
  // The only column of a key of integers is the rowid.
  const isStrict = there?.isStrict ?? (isKey && wanted.key.length === 1 && type === "INTEGER");
  return {
    column,
    planned: { name, type, as },
    problem:
      contradiction(name, affinity, asked, wanted.table) ??
      changedField(column, { affinity, isAsked: asked !== null, isKey, isNew, isStrict }),
    note: as !== "text" && isOfNumbers(affinity) ? textInNumbers(column) : null,
    isInferred: asked === null && isNew,
  };
}

/** Excludes NUMERIC, which is also the affinity of DATE columns. */
const isOfNumbers = (affinity: Affinity): boolean => affinity === "INTEGER" || affinity === "REAL";

function cellKind(type: ColumnType, asked: ColumnType | null): CellKind {
  if (type === "TEXT") return "text";
  return asked === null ? "number" : "loose number";
}

/** Type in `--types` → affinities that store it unchanged. */
const holds: Readonly<Record<ColumnType, readonly Affinity[]>> = {
  INTEGER: ["INTEGER", "NUMERIC", "BLOB"],
  REAL: ["REAL", "NUMERIC", "BLOB"],
  TEXT: ["TEXT", "BLOB"],
};

/** `--types` always applies: a table column of another type is an error. */
function contradiction(
  name: string,
  affinity: Affinity,
  asked: ColumnType | null,
  table: string,
): string | null {
  if (asked === null || holds[asked].includes(affinity)) return null;
  return `--types says ${asked.toLowerCase()} for ${JSON.stringify(name)}, but in the table ${JSON.stringify(table)} it is ${affinity}: load into another --table, or recreate this one`;
}

type Fit = {
  readonly affinity: Affinity;
  readonly isAsked: boolean;
  readonly isKey: boolean;
  readonly isNew: boolean;
  readonly isStrict: boolean;
};

/** Kinds of fields that a numeric column would change. */
function changedKinds({ affinity, isAsked, isKey, isNew, isStrict }: Fit): readonly number[] {
  if (affinity === "TEXT" || affinity === "BLOB") return [];
  return [
    kinds.huge,
    ...(affinity === "REAL" ? [kinds.bigInteger] : []),
    ...(isAsked ? [] : [kinds.loose]),
    // As a key, `5.0` would match the row of `5`.
    ...((isKey || isStrict) && !isAsked && !isNew && affinity !== "REAL" ? [kinds.real] : []),
    ...(isStrict ? [kinds.text] : []),
  ];
}

function changedField(column: Merged, fit: Fit): string | null {
  const { name } = column;
  const kind = changedKinds(fit).find((each) => (column.kinds & each) !== 0);
  if (kind === undefined) {
    const isUnknown = !column.isComplete && changedKinds(fit).length > 0 && !fit.isNew;
    return isUnknown
      ? `the column ${JSON.stringify(name)} was added to the table while the files were inspected; run this again`
      : null;
  }
  const verb =
    kind === kinds.text ? "is not a number and does not fit into" : "would be changed by";
  const what = `${shown(column, kind)} ${verb} the column ${JSON.stringify(name)}, which is ${fit.affinity}`;
  if (fit.isNew) return `${what}, as --types says; omit it from --types, or use text`;
  const remedy = `load into another --table with --types ${shellWord(`${name}=text`)}`;
  return kind === kinds.loose || kind === kinds.real
    ? `${what} in the table: ${remedy}; --types ${shellWord(`${name}=${fit.affinity === "INTEGER" ? "integer" : "real"}`)} stores it as a number`
    : `${what} in the table: ${remedy}`;
}

function shown(column: Merged, kind: number): string {
  const example = column.examples.get(kind);
  if (example === undefined) throw new Error("Internal error: a kind of field without an example");
  const { field, path, line } = example;
  return `${JSON.stringify(field)} (${path}, line ${line})`;
}

function textInNumbers(column: Merged): Note | null {
  if ((column.kinds & kinds.text) === 0) return null;
  const name = JSON.stringify(column.name);
  const text = `${shown(column, kinds.text)} is not a number; it is stored as text in the numeric column ${name}`;
  return { level: "warn", text };
}

/** Columns of `keptAsText` that are named. */
const maxShown = 3;

/** Columns whose fields look like numbers but would print differently as numbers. */
function keptAsText(judged: readonly Judged[]): Note[] {
  const numbers = judged.filter(
    ({ column, planned, isInferred }) =>
      isInferred &&
      planned.type === "TEXT" &&
      (column.kinds & (kinds.text | kinds.huge)) === 0 &&
      (column.kinds & kinds.loose) !== 0,
  );
  if (numbers.length === 0) return [];
  const columns = numbers.map(({ column }) => column);
  const first = columns
    .slice(0, maxShown)
    .map((column) => `${column.name}, ${shown(column, kinds.loose)}`);
  const more = columns.length > maxShown ? [`${columns.length - maxShown} more`] : [];
  const named = [...first, ...more].join("; ");
  const types = asNumbers(columns);
  const hint = types === "" ? "" : `; to store numbers: --types ${shellWord(types)}`;
  const text = `kept as text, because a number would print differently: ${named}${hint}`;
  return [{ level: "info", text }];
}

/** What `--types` takes: `amount=real,count=integer`. Not of columns with leading zeros, which are codes. */
function asNumbers(columns: readonly Merged[]): string {
  return columns
    .map(({ name, examples }) => ({ name, field: examples.get(kinds.loose)?.field ?? "" }))
    .filter(({ field }) => !/^[+-]?0\d/.test(field))
    .map(({ name, field }) => `${name}=${/^[+-]?\d+$/.test(field) ? "integer" : "real"}`)
    .join(",");
}
