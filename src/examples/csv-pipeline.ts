// Loads CSV files into one table. The steps: inspect each file; create a table that fits all files; load
// each file in a task of its own. Loading streams rows with checkpoints, so a run that died resumes in the middle of a
// file.

import { basename } from "node:path";

import { each, pipeline, task, type TaskContext } from "pipeloom";

import { checkKey } from "./csv/check-key.ts";
import { findCsvFiles, newFiles } from "./csv/files.ts";
import { inspectCsv, type Inspection, type Note } from "../formats/csv/inspect.ts";
import { badRowError, flagNames, placeOf } from "../formats/csv/bad-record.ts";
import { numberColumns, parseTypes, planTable } from "./csv/table-plan.ts";
import { ChangedError, CsvFile, type CsvSource, type Position } from "../formats/csv/csv-file.ts";
import { inspectOptions, type Reading } from "./csv/reading.ts";
import { writeSamples } from "./csv/sample.ts";
import { makeTable, tableColumns } from "./csv/table-columns.ts";
import { plural } from "../base/text.ts";
import { keyOf } from "./name-list.ts";
import { keyNote, lacksKey } from "./table-key.ts";

/** File bytes per checkpoint. Smaller: more commits. Larger: more memory. */
const checkpointBytes = 3 * 1024 * 1024;
/** The first checkpoint comes early, because the writer may be idle until then. */
const firstCheckpointBytes = 512 * 1024;
/** Rows per checkpoint, well below the limit of a unit. A row may be as short as 2 bytes. */
const checkpointRows = 300_000;
/** Bad rows per file that are logged one by one. */
const maxLogged = 100;

type FileToRead = {
  path: string;
  /** Columns that the table stores, or will store, as numbers. */
  numbers: string[] | "all";
};

type Search = { sources: string[]; table: string; types: string };

const findFiles = task({
  name: "find-files",
  label: ({ table }: Search) => table,
  async run({ sources, table, types }: Search, ctx) {
    const numbers = numberColumns(tableColumns(ctx, table), parseTypes(types));
    const { files, notes } = await findCsvFiles(
      sources.length === 0 ? [await samples(ctx)] : sources,
    );
    for (const { level, text } of notes) ctx.log[level](text);
    return files.map((path): FileToRead => ({ path, numbers }));
  },
});

async function samples(ctx: TaskContext): Promise<string> {
  const folder = await writeSamples();
  ctx.log.info(`no file was given: made sample files in ${folder}`);
  return folder;
}

function logNotes(ctx: TaskContext, about: string, notes: readonly Note[]): void {
  for (const { level, text } of notes) ctx.log[level](`${about}: ${text}`);
}

const inspect = task({
  name: "inspect",
  async run({ file, reading }: { file: FileToRead; reading: Reading }, ctx) {
    const inspection = await inspectCsv(
      file.path,
      inspectOptions(reading, file.numbers),
      (bytes, of) => ctx.progress(bytes, of, "inspecting"),
    );
    logNotes(ctx, file.path, inspection.notes);
    return inspection;
  },
});

type Target = { table: string; key: string[]; types: string; empty: string };
type Found = { files: Inspection[]; target: Target; skipBadRows: boolean };
type Load = { source: CsvSource; table: string; skipBadRows: boolean };

const prepare = task({
  name: "prepare",
  label: ({ target }: Found) => target.table,
  async run({ files, target, skipBadRows }: Found, ctx) {
    const { table } = target;
    const withRows = files.filter((file) => file.columns.length > 0);
    for (const file of files) if (!withRows.includes(file)) ctx.log.warn(`${file.path}: empty`);
    if (withRows.length === 0) return [];
    for (const file of withRows) checkKey(file, target.key);
    const types = parseTypes(target.types);
    const existing = tableColumns(ctx, table);
    const plan = planTable(withRows, { table, existing, key: target.key, types });
    logNotes(ctx, table, plan.notes);
    const columns = Array.from(plan.columns.values());
    const key = target.key.map((name) => plan.column(name).name);
    if (existing.length > 0 && lacksKey(ctx, table, key)) {
      ctx.log.info(keyNote(table, key));
    }
    await ctx.emit(makeTable, {
      table,
      columns: columns.map(({ name, type }) => ({ name, type })),
      key,
      expected: existing.map(({ name, declared }) => ({ name, type: declared })),
    });
    const emptyIsNull = target.empty === "null";
    return withRows.map((file): Load => {
      const { path, encoding, dialect, start, firstLine, contents } = file;
      const read = file.columns.map(({ name }) => {
        const { name: column, as } = plan.column(name);
        return { name: column, as };
      });
      const source = { path, encoding, dialect, start, firstLine, contents };
      return { source: { ...source, columns: read, key, emptyIsNull }, table, skipBadRows };
    });
  },
});

const load = task({
  name: "load",
  async run({ source, table, skipBadRows }: Load, ctx) {
    let position: Position | null = (ctx.cursor as Position | undefined) ?? null;
    let saved = position;
    let saving: Promise<void> = Promise.resolve();
    let logged = 0;
    try {
      using file = await CsvFile.open(source);
      for (const batch of file.rows(position)) {
        ctx.signal.throwIfAborted();
        for (const bad of batch.bad) {
          if (!skipBadRows) throw badRowError(source.path, bad, flagNames);
          if (logged++ < maxLogged) {
            ctx.log.warn(`${source.path}, ${placeOf(bad)}: skipped: ${bad.why}`);
          }
        }
        if (source.key.length === 0) await ctx.insert(table, batch.rows);
        else await ctx.upsert(table, batch.rows, { key: source.key });
        position = batch.position;
        ctx.progress(position.offset, batch.size);
        if (!isCheckpointDue(saved, position) || position.offset === batch.size) continue;
        file.check();
        // Pipelining: read the next rows while this commit runs. At most one commit is pending.
        await saving;
        saving = ctx.checkpoint(position);
        saved = position;
      }
      file.check();
      if (file.hasGrown) {
        ctx.log.warn(
          `${source.path}: the file has grown since it was inspected; the added lines are not loaded`,
        );
      }
      await saving;
    } catch (error) {
      if (!(error instanceof ChangedError)) throw error;
      await saving;
      throw changedError(error, saved, table);
    }
    if (logged > maxLogged)
      ctx.log.warn(`${source.path}: ${logged - maxLogged} other bad rows skipped`);
    const { rows, badRows, badLines } = position ?? { rows: 0, badRows: 0, badLines: 0 };
    return { rows, badRows, badLines };
  },
});

function isCheckpointDue(saved: Position | null, { offset, rows }: Position): boolean {
  const bytes = saved === null ? firstCheckpointBytes : checkpointBytes;
  return offset - (saved?.offset ?? 0) >= bytes || rows - (saved?.rows ?? 0) >= checkpointRows;
}

/** Adds the remedy, which depends on whether rows of the earlier contents are already stored. */
function changedError(error: ChangedError, saved: Position | null, table: string): Error {
  const stored =
    saved === null
      ? "no row of it is stored: run this again"
      : `${saved.rows} rows of its earlier contents are in the table ${JSON.stringify(table)}: delete them, then run this again`;
  return new Error(`${error.message}; ${stored}`, { cause: error });
}

type Loaded = { rows: number; badRows: number; badLines: number };
type Report = { table: string; sources: string[]; found: FileToRead[]; files: Loaded[] };

const report = task({
  name: "report",
  label: ({ table }: Report) => table,
  async run({ table, sources, found, files }: Report, ctx) {
    const known = found.map(({ path }) => path);
    for (const path of await newFiles(sources, known)) {
      ctx.log.warn(`${path}: the file was added after the run started, so it is not loaded`);
    }
    const rows = files.reduce((sum, file) => sum + file.rows, 0);
    const badRows = files.reduce((sum, file) => sum + file.badRows, 0);
    const badLines = files.reduce((sum, file) => sum + file.badLines, 0);
    const lines = badLines === badRows ? "" : ` (${plural(badLines, "line")})`;
    const skipped = badRows === 0 ? "" : `, ${plural(badRows, "bad row")}${lines} skipped`;
    ctx.log.info(`${table}: ${plural(rows, "row")} from ${plural(files.length, "file")}${skipped}`);
    return { rows, badRows };
  },
});

export default pipeline({
  name: "csv",
  params: {
    /** Files, folders and patterns such as `data/*.csv`. */
    files: [] as string[],
    /** The SHA-256 of standard input, if that is one of them. */
    stdin: "",
    /** One more of them. Both empty: sample files. */
    dir: "",
    table: "items",
    /** Key columns, separated by commas. `none` or empty: rows are inserted, never updated. */
    key: "",
    /** `id=integer,zip=text`, or one type for all columns. Types of other columns are inferred. */
    types: "",
    /** `auto`, a character, `tab`, `comma`, `semicolon` or `pipe`. */
    separator: "auto",
    /** `double`: a field may be quoted. `none`: quotes are plain characters. */
    quote: "double",
    /** `auto`, `utf-8`, `latin1`, `utf-16le` or `utf-16be`. */
    encoding: "auto",
    /** The value of an empty field in a text column: `text` (an empty string) or `null`. In a numeric column: NULL. */
    empty: "text",
    skipBadRows: false,
  },
  messages: [makeTable],
  pools: { "in order": 1 },
  tasks({ params }) {
    const { table, types, separator, quote, encoding, empty, skipBadRows } = params;
    const sources = [...params.files, ...(params.dir === "" ? [] : [params.dir])];
    const key = keyOf(params.key === "" && sources.length === 0 ? "id" : params.key);
    const reading = { separator, quote, encoding, skipBadRows };
    const found = findFiles({ sources, table, types });
    const files = each(found, (file) =>
      inspect({ file, reading }, { name: `inspect ${basename(file.path)}` }),
    );
    const loads = prepare({ files, target: { table, key, types, empty }, skipBadRows });
    return report({
      table,
      sources,
      found,
      // Files with rows of the same key load in order, so that the last file wins for any number of threads.
      files: each(loads, (one) =>
        load(one, {
          name: basename(one.source.path),
          ...(key.length === 0 ? undefined : { pool: "in order" }),
        }),
      ),
    });
  },
});
