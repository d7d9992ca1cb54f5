// What a worker sends may be delivered before what main sent earlier, although it is the consequence of it.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import { taskId } from "../../../src/protocol/ids.ts";
import type { MainRecord } from "../../../src/protocol/writer-records.ts";
import { finished, inProcess, started } from "../../support/writer-under-test.ts";
import { tempFolder } from "./temp-folder.ts";

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

const again: MainRecord = { type: "again", id: taskId(1), name: "t1", key: "t:1" };
const queued: MainRecord = { ...again, type: "queued" };

for (const record of [again, queued]) {
  test(`a unit is not committed before main's "${record.type}" record of its task`, async () => {
    using folder = tempFolder();
    const db = folder.file("a.db");
    using writer = inProcess();
    await writer.open(db, {}, { schema: "CREATE TABLE IF NOT EXISTS t (id INTEGER)" });
    using reader = new Database(db, { readonly: true });
    const rows = (): unknown => reader.query("SELECT count(*) AS n FROM t").get();
    // Main has sent the record: it is on its way.
    writer.recorded.increase();
    const worker = writer.attach(1);
    worker.batch(1, [1]);
    worker.post(finished(1));
    await turns(20);
    expect(rows()).toEqual({ n: 0 });
    writer.send({ type: "records", records: [record] });
    // Not at the first ack: the three messages may be taken in two groups.
    while (!writer.events.some(({ type }) => type === "task-finished"))
      await writer.next("committed");
    expect(rows()).toEqual({ n: 1 });
    expect(reader.query("SELECT status FROM task_runs").get()).toEqual({ status: "done" });
    await writer.close();
  });
}

test("records that have arrived hold nothing back", async () => {
  using folder = tempFolder();
  using writer = inProcess();
  await writer.open(folder.file("a.db"));
  writer.recorded.increase();
  writer.send({ type: "records", records: [queued] });
  const worker = writer.attach(1);
  worker.post(started(1), finished(1));
  await worker.acked();
  await writer.close();
});
