// Reads a range of rows repeatedly, as another program would, and prints the duration of each read.
//
//   bun reader.ts <db> <ms>          for this time
//   bun reader.ts <db> pid <pid>     until this process ends

import { Database } from "bun:sqlite";

const [db = "", how = "1000", pid = "0"] = process.argv.slice(2);
const rowsPerQuery = 500;
const pauseMs = 2;

const end = performance.now() + Number(how);
function isOver(): boolean {
  if (how !== "pid") return performance.now() > end;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch {
    return true;
  }
}

const database = new Database(db, { readonly: true });
const query = database.prepare(
  "SELECT COUNT(*) AS count, SUM(quantity) AS sum FROM items WHERE id BETWEEN ? AND ?",
);
const [greatest] = database.query<{ id: number }, []>("SELECT MAX(id) AS id FROM items").all();
const most = greatest?.id ?? 0;
const ask = (): void => {
  const from = Math.floor(Math.random() * (most - rowsPerQuery));
  query.get(from, from + rowsPerQuery);
};
for (let i = 0; i < 500; i++) ask();

const took: number[] = [];
let errors = 0;
while (!isOver()) {
  const began = performance.now();
  try {
    ask();
  } catch {
    errors++;
  }
  took.push((performance.now() - began) * 1000);
  await Bun.sleep(pauseMs);
}
took.sort((a, b) => a - b);
const at = (share: number): number => took[Math.floor(took.length * share)] ?? Number.NaN;
console.log(
  JSON.stringify({ queries: took.length, errors, medianMicros: at(0.5), p99Micros: at(0.99) }),
);
