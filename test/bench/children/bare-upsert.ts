// Limit for rows: one process, one loop, the same rows and the same statement.
//
//   bun bare-upsert.ts <db> <rows>

import { Database } from "bun:sqlite";

import { itemColumns, items, itemsSchema } from "../pipelines/item.ts";

const [db = "bare.db", rowsText = "1000000"] = process.argv.slice(2);
const rowsPerTransaction = 5000;

const database = new Database(db, { create: true });
// The same settings as in pipeloom.
for (const pragma of [
  "journal_mode = WAL",
  "synchronous = FULL",
  "cache_size = -8192",
  "wal_autocheckpoint = 4096",
]) {
  database.run(`PRAGMA ${pragma}`);
}
database.run(itemsSchema);
const set = itemColumns.slice(1).map((column) => `"${column}" = excluded."${column}"`);
const upsert = database.prepare(
  `INSERT INTO "items" (${itemColumns.map((column) => `"${column}"`).join(", ")}) VALUES (?,?,?,?,?,?)
   ON CONFLICT ("id") DO UPDATE SET ${set.join(", ")}`,
);

const began = performance.now();
let inTransaction = 0;
for (const row of items(1, Number(rowsText))) {
  if (inTransaction === 0) database.run("BEGIN IMMEDIATE");
  upsert.run(row.id, row.name, row.category, row.price, row.quantity, row.updated);
  if (++inTransaction < rowsPerTransaction) continue;
  database.run("COMMIT");
  inTransaction = 0;
}
if (inTransaction > 0) database.run("COMMIT");
const loopMs = performance.now() - began;
upsert.finalize();
database.close(true);
console.log(JSON.stringify({ loopMs }));
