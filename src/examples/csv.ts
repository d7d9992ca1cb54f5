// A folder of CSV files into one table: each file is looked through, the table is made to hold them all, then each
// file is a task of its own that streams its rows in, with checkpoints, so that a run that dies goes on inside a file.

import { stat } from "node:fs/promises";
import { basename, join } from "node:path";

import { each, pipeline, task } from "pipeloom";

import { type Encoding, encodings } from "./csv/encoding.ts";
import { badRowError, inspectCsv, type Inspection } from "./csv/inspect.ts";
import { mergeColumns, parseTypes, typeOfDeclared } from "./csv/plan.ts";
import { csvRows, type CsvSource, type Position } from "./csv/rows.ts";
import { writeSamples } from "./csv/sample.ts";
import { keyOf } from "./list.ts";
import { createTable, existingColumns } from "./table.ts";

/** How much of a file is stored at a time. Smaller: more commits; larger: more memory. */
const checkpointBytes = 3 * 1024 * 1024;
/** Of its beginning less, for the writer may have nothing else to do yet. */
const firstCheckpointBytes = 512 * 1024;

const findFiles = task({
  name: "find-files",
  async run({ dir }: { dir: string }, ctx) {
    if (dir === "") {
      const folder = await writeSamples();
      ctx.log.info(`no --dir was given: made sample files in ${folder}`);
      return filesIn(folder);
    }
    return filesIn(dir);
  },
});

/** A folder's CSV files by name, or the one file that it is. */
async function filesIn(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = await Array.fromAsync(new Bun.Glob("*.{csv,CSV,tsv,TSV,txt,TXT}").scan(path));
  if (names.length === 0) throw new Error(`${path}: no .csv, .tsv or .txt file in this folder`);
  return names.toSorted().map((name) => join(path, name));
}

type Reading = { separator: string; encoding: string; skipBadRows: boolean };

const inspect = task({
  name: "inspect",
  run({ path, separator, encoding, skipBadRows }: { path: string } & Reading, ctx) {
    return inspectCsv(
      path,
      {
        separator: separator === "auto" ? null : separator,
        encoding: encoding === "auto" ? null : encodingOf(encoding),
        skipBadRows,
      },
      (bytes, of) => ctx.progress(bytes, of, "looking through"),
    );
  },
});

function encodingOf(name: string): Encoding {
  const known = encodings.find((encoding) => encoding === name.toLowerCase());
  if (known !== undefined) return known;
  throw new TypeError(`encoding: ${name} is not one of auto, ${encodings.join(", ")}`);
}

type Target = { table: string; key: string[]; types: string; empty: string };
type Load = { source: CsvSource; table: string; skipBadRows: boolean };

const prepare = task({
  name: "prepare",
  async run(
    { files, target, skipBadRows }: { files: Inspection[]; target: Target; skipBadRows: boolean },
    ctx,
  ) {
    const { table, key } = target;
    const withRows = files.filter((file) => file.columns.length > 0);
    for (const file of files) if (!withRows.includes(file)) ctx.log.warn(`${file.path}: empty`);
    for (const file of withRows) checkKey(file, key);
    const columns = mergeColumns(withRows, parseTypes(target.types));
    if (columns.length === 0) return [];
    const there = existingColumns(ctx, table);
    await ctx.emit(createTable, { table, columns, key });
    const types = new Map(
      there.length === 0 || target.types !== ""
        ? columns.map(({ name, type }) => [name, type])
        : there.map(({ name, type }) => [name, typeOfDeclared(type)]),
    );
    return withRows.map(({ path, encoding, dialect, start, columns: own }): Load => {
      const typed = own.map(({ name, type }) => ({ name, type: types.get(name) ?? type }));
      const emptyIsNull = target.empty === "null";
      return {
        source: { path, encoding, dialect, start, columns: typed, key, emptyIsNull },
        table,
        skipBadRows,
      };
    });
  },
});

function checkKey(file: Inspection, key: readonly string[]): void {
  const names = file.columns.map(({ name }) => name);
  const missing = key.find((name) => !names.includes(name));
  if (missing === undefined) return;
  throw new Error(
    `${file.path}: no column ${JSON.stringify(missing)} for the key; there are: ${names.join(", ")}`,
  );
}

const load = task({
  name: "load",
  async run({ source, table, skipBadRows }: Load, ctx) {
    let position: Position | null = (ctx.cursor as Position | undefined) ?? null;
    let savedAt = position?.offset ?? 0;
    let saved: Promise<void> = Promise.resolve();
    for (const batch of csvRows(source, position)) {
      ctx.signal.throwIfAborted();
      for (const bad of batch.bad) {
        if (!skipBadRows) throw badRowError(source.path, bad);
        ctx.log.warn(`${source.path}, line ${bad.line}: left out: ${bad.why}`);
      }
      if (source.key.length === 0) await ctx.insert(table, batch.rows);
      else await ctx.upsert(table, batch.rows, { key: source.key });
      position = batch.position;
      ctx.progress(position.offset, batch.size);
      const due = savedAt === 0 ? firstCheckpointBytes : checkpointBytes;
      if (position.offset - savedAt < due || position.offset === batch.size) continue;
      // The next rows are read while these are committed; one such commit at a time.
      await saved;
      saved = ctx.checkpoint(position);
      savedAt = position.offset;
    }
    await saved;
    return { rows: position?.rows ?? 0, badRows: position?.badRows ?? 0 };
  },
});

const report = task({
  name: "report",
  run({ table, files }: { table: string; files: { rows: number; badRows: number }[] }, ctx) {
    const rows = files.reduce((sum, file) => sum + file.rows, 0);
    const badRows = files.reduce((sum, file) => sum + file.badRows, 0);
    const left = badRows === 0 ? "" : `, ${badRows} bad rows left out`;
    ctx.log.info(`${table}: ${rows} rows from ${files.length} files${left}`);
    return { rows, badRows };
  },
});

export default pipeline({
  name: "csv",
  params: {
    /** A folder of CSV files, or one file; sample files when empty. */
    dir: "",
    table: "items",
    /** Columns, separated by commas; none: rows are added and not updated. */
    key: "",
    /** `id=integer,zip=text`, or one type for all columns; what is not named is inferred. */
    types: "",
    /** `auto`, a character, `tab`, `comma`, `semicolon` or `pipe`. */
    separator: "auto",
    /** `auto`, `utf-8`, `latin1`, `utf-16le` or `utf-16be`. */
    encoding: "auto",
    /** What an empty field of a text column becomes: `text` (an empty one) or `null`. In number columns it is NULL. */
    empty: "text",
    skipBadRows: false,
  },
  messages: [createTable],
  tasks({ params }) {
    const { dir, table, types, separator, encoding, empty, skipBadRows } = params;
    const key = keyOf(params.key === "" && dir === "" ? "id" : params.key);
    const files = each(findFiles({ dir }), (path) =>
      inspect({ path, separator, encoding, skipBadRows }, { name: `inspect ${basename(path)}` }),
    );
    const loads = prepare({ files, target: { table, key, types, empty }, skipBadRows });
    return report({
      table,
      files: each(loads, (one) => load(one, { name: basename(one.source.path) })),
    });
  },
});
