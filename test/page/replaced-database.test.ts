import type { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readFileSync, renameSync, writeFileSync } from "node:fs";

import type { Problem, RunsView } from "../../src/page/contract.ts";
import { openDatabase } from "../../src/store/open-database.ts";
import { options } from "../store/write/options.ts";
import { pageRig, type PageRig } from "./page-rig.ts";

const addRun = (db: Database, pipeline: string): unknown =>
  db.run(
    `INSERT INTO pipeline_runs (pipeline, params, status, started_at, tasks_total)
      VALUES (?, '{}', 'done', '2026-01-01T00:00:00.000Z', 0)`,
    [pipeline],
  );

/** Ends when the server ends the stream, whatever comes before. */
async function endOf({ body }: Response): Promise<void> {
  for await (const _ of body ?? []) continue;
}

const pipelinesOf = async (rig: PageRig): Promise<string[]> =>
  (await rig.data<RunsView>("/data/runs")).runs.map(({ pipeline }) => pipeline);

async function problemAt(rig: PageRig, path: string): Promise<string> {
  const response = await rig.get(path);
  expect(response.status).toBe(503);
  return ((await response.json()) as Problem).problem;
}

test("a database that is moved away is gone for the page too, until there is one again", async () => {
  await using rig = await pageRig((db) => addRun(db, "old"));
  const stream = await rig.get("/events");
  renameSync(rig.db, `${rig.db}.moved`);
  await endOf(stream);
  for (const path of ["/data/db", "/data/runs", "/data/runs/1/tasks", "/events"]) {
    expect(await problemAt(rig, path)).toContain("there is no database at");
  }
  {
    using db = openDatabase(options(rig.db));
    addRun(db, "new");
  }
  expect(await pipelinesOf(rig)).toEqual(["new"]);
});

test("a database in the place of another one is shown, and the stream ends so that all is asked again", async () => {
  await using rig = await pageRig((db) => addRun(db, "old"));
  const stream = await rig.get("/events");
  expect(await rig.data("/data/runs/1/tasks")).toMatchObject({ total: 0 });
  {
    using db = openDatabase(options(`${rig.db}.new`));
    addRun(db, "new");
  }
  renameSync(`${rig.db}.new`, rig.db);
  await endOf(stream);
  expect(await pipelinesOf(rig)).toEqual(["new"]);
  expect((await rig.get("/data/db")).status).toBe(200);
});

test("another database that is copied into the file is shown, and the stream ends", async () => {
  await using rig = await pageRig((db) => {
    addRun(db, "old");
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  });
  const stream = await rig.get("/events");
  expect(await pipelinesOf(rig)).toEqual(["old"]);
  const other = `${rig.db}.other`;
  {
    using db = openDatabase(options(other));
    for (const name of ["new", "newer"]) addRun(db, name);
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  writeFileSync(rig.db, readFileSync(other));
  await endOf(stream);
  expect(await pipelinesOf(rig)).toEqual(["newer", "new"]);
});

test("what is not a database is said", async () => {
  await using rig = await pageRig(() => {});
  renameSync(rig.db, `${rig.db}.moved`);
  writeFileSync(
    rig.db,
    "this is not a database, but a text that is long enough to look at".repeat(9),
  );
  expect(await problemAt(rig, "/data/db")).toContain("is not an SQLite database");
  expect(await problemAt(rig, "/events")).toContain("is not an SQLite database");
});
