// plainjob in one Bun process. It sets `synchronous = NORMAL` itself; FULL is set after it where a power cut must not
// lose what was done.

import { Database } from "bun:sqlite";

import { bun, defineQueue, defineWorker, JobStatus } from "plainjob";

import { itemColumns, items, itemsSchema } from "./item.ts";
import { batchesOf, finish, given } from "./program.mjs";

const { tasks: count, rows, db, synced } = given;

const database = new Database(db, { strict: true, create: true });
const logger = { debug() {}, info() {}, warn: console.warn, error: console.error };
const queue = defineQueue({ connection: bun(database), logger });
if (synced) database.run("PRAGMA synchronous = FULL");
database.run(itemsSchema);

const upsert = database.query(`INSERT INTO items (${itemColumns.join(", ")})
  VALUES (@id, @name, @category, @price, @quantity, @updated)
  ON CONFLICT (id) DO UPDATE SET name = excluded.name, category = excluded.category, price = excluded.price,
    quantity = excluded.quantity, updated = excluded.updated`);
const store = database.transaction((from) => {
  for (const item of items(from, rows)) upsert.run(item);
});

let ran = 0;
const all = Promise.withResolvers();
const work = async (job) => {
  if (rows > 0) store(1 + JSON.parse(job.data).i * rows);
};

const begun = performance.now();
for (const batch of batchesOf(count))
  queue.addMany(
    "work",
    batch.map((i) => ({ i })),
  );
const worker = defineWorker("work", work, {
  queue,
  logger,
  onCompleted() {
    if (++ran === count) all.resolve();
  },
  onFailed: (_, error) => all.reject(new Error(error)),
});
const running = worker.start();
await all.promise;
const ms = performance.now() - begun;

if (queue.countJobs({ status: JobStatus.Done }) !== count) throw new Error("not all jobs are done");
finish({
  ms,
  ran,
  stored: rows > 0 ? database.query("SELECT COUNT(*) AS n FROM items").get().n : 0,
});
await worker.stop();
await running;
queue.close();
