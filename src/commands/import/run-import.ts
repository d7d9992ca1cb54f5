// Runs a built-in pipeline that loads data, and says at its end what is where and how to see it.

import { kebab } from "../../cli/flag-defs.ts";
import { grouped, plural, relative } from "../../base/text.ts";
import { quoteIdentifier } from "../../base/quote-identifier.ts";
import { dbFlag, pipeloomCommand } from "../../protocol/pipeloom-command.ts";
import type { RunSummary } from "../../protocol/summary.ts";
import type { RunPipelineOptions } from "../../api/run-pipeline-options.ts";
import { openReader, type Reader } from "../../store/read/reader.ts";
import type { Epilogue } from "../../terminal/summary-text.ts";
import type { OutputOptions } from "../common-flags.ts";
import { executeRun } from "../execute-run.ts";
import { queryCommand } from "./into-table.ts";

type Import = {
  readonly pipeline: "csv" | "fetch" | "download";
  readonly params: Readonly<Record<string, unknown>>;
  /** Where the rows go. */
  readonly table: string;
  /** What has been loaded. Default: the rows that were written, and where to. */
  readonly result?: (summary: RunSummary) => string;
  /** A second load updates rows. */
  readonly hasKey: boolean;
  /** The words after `pipeloom` that load this again. Undefined: nobody can give the input a second time. */
  readonly again: readonly string[] | undefined;
};

/** @returns the exit code */
export async function runImport(
  wanted: Import,
  options: RunPipelineOptions,
  output: OutputOptions,
): Promise<number> {
  const { pipeline: name, params } = wanted;
  return executeRun(
    { kind: "builtin", name },
    { ...options, params },
    { ...output, epilogue: (summary) => epilogueOf(wanted, summary) },
  );
}

function epilogueOf(wanted: Import, summary: RunSummary): Epilogue | undefined {
  // Nothing is kept in memory: there is nothing to look at.
  if (summary.db === ":memory:") return undefined;
  const db = relative(summary.db, process.cwd());
  if (summary.status !== "done") return { results: [], commands: retryCommands(wanted, db) };
  const loaded = lookAt(wanted, summary);
  if (loaded === undefined) return undefined;
  const { rows, isTable, inTable } = loaded;
  // Of a table with other rows, it is not known which of them were updated.
  const merged =
    inTable < rows
      ? `, which has ${grouped(inTable)}: of rows with the same key, the last one is kept`
      : "";
  const result =
    wanted.result?.(summary) ?? `${plural(rows, "row")} → table ${wanted.table}${merged}`;
  if (!isTable) return { results: [`no rows, so there is no table ${wanted.table}`], commands: [] };
  const before = `${wanted.table} had rows before; --key <columns> updates rows instead of adding them`;
  return {
    results: [result, ...(inTable > rows && rows > 0 && !wanted.hasKey ? [before] : [])],
    commands: [queryCommand(wanted.table, db)],
  };
}

type Loaded = {
  readonly rows: number;
  readonly isTable: boolean;
  /** Rows of the table, counted up to one more than this run has written. */
  readonly inTable: number;
};

/** Undefined if the file cannot be read now: what was loaded is in it all the same. */
function lookAt({ table }: Import, { db, run }: RunSummary): Loaded | undefined {
  try {
    using reader = openReader(db);
    const rows = numberIn(
      reader,
      "SELECT IFNULL(SUM(rows), 0) AS n FROM task_runs WHERE run_id = ?",
      run,
    );
    const isTable =
      numberIn(
        reader,
        "SELECT COUNT(*) AS n FROM pragma_table_list WHERE name = ? COLLATE NOCASE",
        table,
      ) > 0;
    if (!isTable) return { rows, isTable, inTable: 0 };
    // Bounded: a large table is not counted to its end.
    const some = `SELECT COUNT(*) AS n FROM (SELECT 1 FROM ${quoteIdentifier(table)} LIMIT ?)`;
    return { rows, isTable, inTable: numberIn(reader, some, rows + 1) };
  } catch {
    return undefined;
  }
}

const numberIn = (reader: Reader, sql: string, param: string | number): number =>
  Number(reader.query(sql, [param])[0]?.["n"] ?? 0);

function retryCommands({ again }: Import, db: string): string[] {
  const status = pipeloomCommand("status", ...dbFlag(db));
  if (again === undefined) return [status];
  return [status, pipeloomCommand(...again, ...dbFlag(db), "--resume")];
}

type Given = string | boolean | readonly string[] | undefined;

/** The words that give these values again: `--key`, `id`. */
export const wordsOf = (flags: Readonly<Record<string, Given>>): string[] =>
  Object.entries(flags).flatMap(([key, value]) => {
    const flag = `--${kebab(key)}`;
    if (value === undefined || value === false) return [];
    return value === true ? [flag] : [value].flat().flatMap((text) => [flag, text]);
  });

/** The values that were given, as parameters. */
export const givenParams = (
  flags: Readonly<Record<string, Given>>,
): Readonly<Record<string, string | boolean | readonly string[]>> =>
  Object.fromEntries(
    Object.entries(flags).flatMap(([key, value]) =>
      value === undefined || value === false ? [] : [[key, value]],
    ),
  );
