// Loads a folder of CSV files into a table, one task per file, and reports the number of rows.
// Run it:           pipeloom run pipeline.ts
// Another folder:   pipeloom run pipeline.ts --param folder=/path/to/files

import { existsSync } from "node:fs";
import { basename, join } from "node:path";

import { each, pipeline, task } from "pipeloom";

const listFiles = task({
  name: "list-files",
  async run({ folder }: { folder: string }, ctx) {
    if (!existsSync(folder)) {
      ctx.log.warn(`${folder}: no such folder; put CSV files there, or name another one`);
      return [];
    }
    const names = await Array.fromAsync(new Bun.Glob("*.csv").scan(folder));
    return names.toSorted().map((name) => join(folder, name));
  },
});

const loadFile = task({
  name: "load-file",
  retries: 2,
  async run({ file }: { file: string }, ctx) {
    const [header, ...lines] = parseCsv(await Bun.file(file).text());
    if (header === undefined) return 0;
    const rows = lines.map((cells, index) => {
      const { customer, product, quantity, price } = record(header, cells);
      return {
        file: basename(file),
        line: index + 2,
        customer,
        product,
        quantity: Number(quantity),
        price: Number(price),
      };
    });
    // Awaited, so that a slow disk slows this task down instead of filling the memory. The key identifies a row: a file
    // that is loaded again replaces its rows.
    await ctx.upsert("orders", rows, { key: ["file", "line"] });
    ctx.progress(1, 1, `${rows.length} rows`);
    return rows.length;
  },
});

const report = task({
  name: "report",
  run({ counts }: { counts: number[] }, ctx) {
    const rows = counts.reduce((sum, count) => sum + count, 0);
    ctx.log.info(`${rows} rows from ${counts.length} files`);
    return rows;
  },
});

export default pipeline({
  name: "template-csv",
  db: "./pipeloom.db",
  params: { folder: join(import.meta.dir, "data") },
  schema: `CREATE TABLE IF NOT EXISTS orders (
    file TEXT, line INTEGER, customer TEXT, product TEXT, quantity INTEGER, price REAL,
    PRIMARY KEY (file, line)
  ) STRICT`,
  tasks({ params }) {
    const files = listFiles({ folder: params.folder });
    // One task per file, as many at once as there are cores; `report` waits for all of them.
    return report({ counts: each(files, (file) => loadFile({ file })) });
  },
});

/**
 * Rows of cells. A quoted cell may contain commas, line breaks and doubled quotes (RFC 4180).
 * @throws Error for a quotation mark in the middle of a cell
 */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let read = 0;
  for (const match of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy)) {
    const [all, quoted, plain = "", end] = match;
    read += all.length;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ",") continue;
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
  }
  if (read < text.length) throw new Error(`row ${rows.length + 1}: a quotation mark inside a cell`);
  return rows;
}

/** Column name to cell; a missing cell is empty. */
const record = (header: readonly string[], cells: readonly string[]): Record<string, string> =>
  Object.fromEntries(header.map((name, index) => [name, cells[index] ?? ""]));
