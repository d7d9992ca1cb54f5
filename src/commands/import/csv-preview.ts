// `pipeloom csv --dry-run`: inspects the files and prints the table that they would make. Writes nothing.

import { existsSync } from "node:fs";

import { colorLevel, paletteOf } from "../../base/palette.ts";
import { grouped, plural, visible } from "../../base/text.ts";
import { print } from "../../cli/stdout.ts";
import { UserError } from "../../cli/user-error.ts";
import { checkKey } from "../../examples/csv/check-key.ts";
import { ByName } from "../../examples/csv/names.ts";
import { inspectOptions, type Reading } from "../../examples/csv/reading.ts";
import { type TableColumn, tableColumns } from "../../examples/csv/table-columns.ts";
import { numberColumns, parseTypes, planTable } from "../../examples/csv/table-plan.ts";
import { keyOf } from "../../examples/name-list.ts";
import { checkKeys, lacksKey } from "../../examples/table-key.ts";
import { inspectCsv, type Inspection } from "../../formats/csv/inspect.ts";
import { defaultDb } from "../../store/choose-database.ts";
import { type Table, tableLines } from "../../terminal/text-table.ts";
import { waitingReader } from "../waiting-reader.ts";

type Params = Partial<Reading> & {
  readonly table: string;
  readonly key?: string;
  readonly types?: string;
};

/** @returns the exit code. @throws UserError for what a run would refuse */
export async function previewCsv(
  files: readonly string[],
  params: Params,
  db: string = defaultDb,
): Promise<number> {
  try {
    print(await previewText(files, params, db));
    return 0;
  } catch (error) {
    if (error instanceof Error) throw new UserError(error.message);
    throw error;
  }
}

async function previewText(files: readonly string[], params: Params, db: string): Promise<string> {
  const { table, separator = "auto", quote = "double", encoding = "auto" } = params;
  const { skipBadRows = false } = params;
  const types = parseTypes(params.types ?? "");
  const key = keyOf(params.key ?? "");
  const { existing, needsKey } = targetIn(db, table, key);
  const reading = { separator, quote, encoding, skipBadRows };
  const options = inspectOptions(reading, numberColumns(existing, types));
  const inspected: Inspection[] = [];
  for (const path of files) inspected.push(await inspectCsv(path, options));
  const withRows = inspected.filter(({ columns }) => columns.length > 0);
  for (const file of withRows) checkKey(file, key);
  const plan = planTable(withRows, { table, existing, key, types });
  const rows = inspected.reduce((sum, file) => sum + file.rows, 0);
  const declared = new ByName(existing.map((column) => [column.name, column.declared]));
  const columns = Array.from(plan.columns.values(), ({ name, type }) => [
    name,
    declared.get(name) ?? type,
  ]);
  const index = needsKey
    ? [`with a new unique index on (${key.join(", ")}), which --key needs`]
    : [];
  const into = `${existing.length > 0 ? "table" : "new table"} ${table} of ${db}`;
  const lines = [
    `would load ${plural(rows, "row")} of ${plural(files.length, "file")} → ${into}`,
    ...index,
    "",
    ...shown({
      columns: [
        { title: "file", cut: "middle", shrinkTo: 10 },
        { title: "rows", align: "right" },
      ],
      rows: inspected.map((file) => [file.path, grouped(file.rows)]),
    }),
    "",
    ...shown({ columns: [{ title: "column", shrinkTo: 10 }, { title: "type" }], rows: columns }),
    ...plan.notes.flatMap(({ text }) => ["", visible(text)]),
  ];
  return `${lines.join("\n")}\n`;
}

type Target = {
  /** Empty: there is no such table. */
  readonly existing: readonly TableColumn[];
  /** The run would make a unique index. */
  readonly needsKey: boolean;
};

/** @throws Error for a key that rows of the table share */
function targetIn(db: string, table: string, key: readonly string[]): Target {
  if (db === ":memory:" || !existsSync(db)) return { existing: [], needsKey: false };
  using reader = waitingReader(db);
  const queried = {
    query: <Result>(sql: string, ...params: (string | number)[]): Result[] =>
      reader.query(sql, params) as Result[],
  };
  const existing = tableColumns(queried, table);
  const needsKey = lacksKey(queried, table, key);
  if (needsKey && hasColumns(existing, key)) checkKeys(queried, table, key);
  return { existing, needsKey };
}

/** A column that is missing is said by `checkKey` or `planTable`. */
function hasColumns(existing: readonly TableColumn[], key: readonly string[]): boolean {
  const there = new ByName(existing.map((column) => [column.name, column]));
  return key.every((name) => there.get(name) !== undefined);
}

function shown(table: Table): string[] {
  const { isTTY, columns } = process.stdout;
  const width = isTTY ? columns : Number.POSITIVE_INFINITY;
  return tableLines(table, { width, colors: paletteOf(colorLevel(process.env, isTTY)) });
}
