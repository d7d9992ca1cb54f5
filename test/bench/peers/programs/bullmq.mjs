// BullMQ in one Node process: jobs added in bulk, 100 at once, and all kept (its default). Redis appends to a file;
// whether it syncs that file before it answers is the server's setting.

import { Queue, Worker } from "bullmq";
import IORedis from "ioredis";

import { batchesOf, finish, given } from "./program.mjs";

const { tasks: count, connection: at } = given;

const connection = new IORedis({ ...at, maxRetriesPerRequest: null });
await connection.flushdb();
const queue = new Queue("work", { connection });
await queue.waitUntilReady();
const all = Promise.withResolvers();
let ran = 0;

const begun = performance.now();
const worker = new Worker("work", async (job) => job.data.i, { connection, concurrency: 100 });
worker.on("failed", (_, error) => all.reject(error));
worker.on("completed", () => {
  if (++ran === count) all.resolve();
});
for (const batch of batchesOf(count)) {
  await queue.addBulk(batch.map((i) => ({ name: "work", data: { i } })));
}
await all.promise;
const ms = performance.now() - begun;

const kept = await queue.getCompletedCount();
if (kept !== count) throw new Error(`Redis has ${kept} of ${count} completed jobs`);
finish({ ms, ran, stored: 0 });
await worker.close();
await queue.close();
await connection.quit();
