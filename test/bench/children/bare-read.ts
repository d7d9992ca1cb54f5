// Limit for a continued run: one process that reads the keys and results of all done tasks into a Map, long results not.
//
//   bun bare-read.ts <db>

import { Database } from "bun:sqlite";

const [db = "bare.db"] = process.argv.slice(2);
const database = new Database(db, { readonly: true });
const began = performance.now();
const byKey = new Map<string, string>();
const rows = database.query<{ key: string; result: string }, []>(
  "SELECT key, CASE WHEN octet_length(result) > 1024 THEN '' ELSE result END AS result FROM task_runs WHERE status = 'done'",
);
for (const { key, result } of rows.iterate()) byKey.set(key, result);
const loopMs = performance.now() - began;
console.log(JSON.stringify({ tasks: byKey.size, loopMs }));
