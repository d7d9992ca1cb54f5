// Loads CSV files into a table; the limit is `.import` of the `sqlite3` program.

import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { runChild } from "./child.ts";
import { type Figure, figure, interleave, medianOf, ratioAtLeast, spreadOf } from "./figure.ts";
import { type Benchmark, type Kit, thousands } from "./kit.ts";
import { itemColumns, items, itemsSchema } from "./pipelines/item.ts";

export const csv: Benchmark = {
  name: "csv",
  about: "pipeloom examples csv, beside sqlite3 .import of the same files into the same table",
  async run(kit): Promise<Figure[]> {
    const sqlite3 = Bun.which("sqlite3");
    if (sqlite3 === null) return skipped(kit, "sqlite3 is not installed");
    if (!(await hasExamples(kit))) return skipped(kit, "this executable has no examples");
    const rows = kit.size(1_000_000, 200_000);
    await writeFiles(kit, rows);
    const pairs = await interleave(
      kit.size(3, 1),
      async () => byPipeloom(kit, rows),
      async () => bySqlite(kit, sqlite3, rows),
    );
    return [
      figure({
        name: `${thousands(rows)} rows from 8 CSV files, end to end`,
        unit: "/s",
        value: (rows / medianOf(pairs.subjects, (run) => run.wallMs)) * 1000,
        limit: (rows / medianOf(pairs.limits, (run) => run.wallMs)) * 1000,
        limitName: "sqlite3 .import",
        spread: spreadOf(
          pairs,
          (run) => 1 / run.wallMs,
          (run) => 1 / run.wallMs,
        ),
        target: ratioAtLeast(1),
        cpu: {
          subject: (medianOf(pairs.subjects, (run) => run.cpuMs) * 1000) / rows,
          limit: (medianOf(pairs.limits, (run) => run.cpuMs) * 1000) / rows,
          op: "row",
        },
      }),
    ];
  },
};

function skipped(kit: Kit, why: string): Figure[] {
  kit.say(`  csv: ${why}`);
  return [];
}

async function hasExamples(kit: Kit): Promise<boolean> {
  const help = Bun.spawnSync([kit.exe, "examples", "csv", "--help"], { cwd: kit.folder });
  return help.exitCode === 0;
}

const folder = "data";
const files = 8;

async function writeFiles(kit: Kit, rows: number): Promise<void> {
  mkdirSync(kit.path(folder));
  const perFile = rows / files;
  for (let file = 0; file < files; file++) {
    const lines = [itemColumns.join(",")];
    for (const row of items(1 + file * perFile, perFile)) lines.push(Object.values(row).join(","));
    await Bun.write(join(kit.path(folder), `part-${file}.csv`), `${lines.join("\n")}\n`);
  }
}

async function byPipeloom(kit: Kit, rows: number) {
  const db = kit.newDb();
  const args = ["examples", "csv", "--dir", folder, "--table", "items", "--key", "id", "--db", db];
  const run = await kit.pipeloom([...args, "--workers", "2"]);
  checkCount(kit, db, rows);
  return run;
}

async function bySqlite(kit: Kit, sqlite3: string, rows: number) {
  const db = kit.newDb();
  const script = [
    "PRAGMA journal_mode = WAL;",
    "PRAGMA synchronous = FULL;",
    `${itemsSchema.replaceAll("\n", " ")};`,
    ".mode csv",
    ...readdirSync(kit.path(folder)).map((file) => `.import --skip 1 ${folder}/${file} items`),
  ];
  const commands = script.flatMap((line) => ["-cmd", line]);
  const run = await runChild([sqlite3, ...commands, db, "SELECT 1"], { cwd: kit.folder });
  checkCount(kit, db, rows);
  return run;
}

function checkCount(kit: Kit, db: string, rows: number): void {
  const [found] = kit.query<{ count: number }>(db, "SELECT COUNT(*) AS count FROM items");
  if (found?.count !== rows) throw new Error(`${found?.count} of ${rows} rows are in ${db}`);
  kit.removeDb(db);
}
