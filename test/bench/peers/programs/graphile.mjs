// graphile-worker in one Node process, set up as its page "Performance" shows: 24 jobs at once, jobs fetched 500 at a
// time and completed in batches. The given connection decides `synchronous_commit`.

import { makeWorkerUtils, run } from "graphile-worker";
import { Pool } from "pg";

import { itemsSchema, items, itemColumns } from "./item.ts";
import { batchesOf, finish, given } from "./program.mjs";

const { tasks: count, rows, connection } = given;

const pgPool = new Pool({ ...connection, max: 25 });
const preset = {
  worker: {
    concurrentJobs: 24,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  },
};
// The connections would otherwise be opened while the clock runs.
const utils = await makeWorkerUtils({ pgPool, preset });
await utils.migrate();
if (rows > 0) await pgPool.query(`DROP TABLE IF EXISTS items; ${itemsSchema}`);

const upsert = `INSERT INTO items (${itemColumns.join(", ")})
  SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::real[], $5::int[], $6::text[])
  ON CONFLICT (id) DO UPDATE SET name = excluded.name, category = excluded.category, price = excluded.price,
    quantity = excluded.quantity, updated = excluded.updated`;

let ran = 0;
const allRan = Promise.withResolvers();
const taskList = {
  async work({ i }, helpers) {
    if (rows > 0) {
      const list = [...items(1 + i * rows, rows)];
      const columns = itemColumns.map((column) => list.map((item) => item[column]));
      await helpers.withPgClient((client) => client.query(upsert, columns));
    }
    if (++ran === count) allRan.resolve();
  },
};

const begun = performance.now();
const runner = await run({ pgPool, preset, taskList, noHandleSignals: true });
for (const batch of batchesOf(count)) {
  await utils.addJobs(batch.map((i) => ({ identifier: "work", payload: { i } })));
}
await allRan.promise;
// A completed job is deleted, in a batch that follows its function.
while ((await pgPool.query("SELECT 1 FROM graphile_worker._private_jobs LIMIT 1")).rowCount > 0);
const ms = performance.now() - begun;

const stored =
  rows > 0 ? Number((await pgPool.query("SELECT COUNT(*) FROM items")).rows[0].count) : 0;
finish({ ms, ran, stored });
await runner.stop();
await utils.release();
await pgPool.end();
