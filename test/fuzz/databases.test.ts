// Databases with random values in pipeloom's own tables, or with flipped bytes: commands give an answer or a clear error. They
// never crash, hang, or change the tables of others.

import { Database } from "bun:sqlite";
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import * as fc from "fast-check";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

import { repository } from "../support/program.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { call, expectAnswer } from "./call.ts";
import {
  apply,
  at,
  change,
  db,
  makeDatabases,
  othersIn,
  othersText,
  pipelineFile,
} from "./damaged-databases.ts";
import { fuzz } from "./fuzz.ts";

setDefaultTimeout(24 * 3_600_000);

const file = pipelineFile;
let whole: readonly Uint8Array[] = [];

const schema = z.fromJSONSchema(
  await Bun.file(join(repository, ".github/schemas/status.v1.schema.json")).json(),
);

beforeAll(() => {
  whole = makeDatabases();
});

const looks = [
  ["status", "--db", db],
  ["status", "--db", db, "--format", "json"],
  ["status", "--db", db, "--run", "1"],
  ["status", "--db", db, "--watch"],
  ["status", "--db", db, "--failed"],
  ["status", "--db", db, "--task", "load", "--since", "2h"],
  ["runs", "--db", db],
  ["runs", "resumable", "--db", db, "--json"],
  ["logs", "--db", db],
  ["logs", "1", "load", "--db", db, "--level", "debug"],
  ["logs", "--db", db, "--json", "--grep", "a"],
  ["logs", "--db", db, "--follow"],
  ["attach", "--db", db],
  ["prune", "--db", db, "--keep-runs", "1", "--dry-run"],
  ["prune", "--db", db, "--keep-runs", "0"],
  ["prune", "--db", db, "--older-than", "1d", "--logs-only", "--json"],
  ["query", "SELECT * FROM task_runs", "--db", db],
  ["cancel", "--db", db],
  ["cancel", "1", "--db", db],
  ["run", file, "--db", db, "--dry-run"],
];
const runs = [
  ["run", file, "--db", db],
  ["run", file, "--db", db, "--resume"],
  ["run", file, "--db", db, "--resume", "1"],
  ["run", file, "--db", db, "--fresh"],
  ["run", file, "--db", db, "--wait"],
  ["run", file, "--db", db, "--json"],
  ["run", file, "--db", db, "--rerun", "load"],
  ["run", file, "--db", db, "--rerun", "failed", "--resume", "1"],
  ["run", file, "--db", db, "--keep", "load"],
  ["run", file, "--db", db, "--rerun", "step", "--dry-run"],
  ["run", file, "--db", db, "--no-store-task-status"],
  ["run", file, "--db", db, "--no-wal"],
  ["init-db", "--db", db],
];

const commands = fc.record({
  version: fc.nat(),
  look: fc.constantFrom(...looks),
  run: fc.constantFrom(...runs),
});

/** Looks, runs and looks again. */
function expectAnswers(folder: string, look: readonly string[], run: readonly string[]): void {
  const seen = call(folder, ...look);
  expectAnswer(seen);
  if (seen.code === 0 && look[0] === "status" && look.includes("json"))
    expect(schema.safeParse(JSON.parse(seen.out)).error?.issues ?? []).toEqual([]);
  expectAnswer(call(folder, ...run));
  expectAnswer(call(folder, "status", "--db", db));
}

test("random values in pipeloom's own tables", async () => {
  const input = fc.tuple(commands, fc.array(change, { minLength: 1, maxLength: 4 }));
  await fuzz(
    "values in pipeloom's tables",
    input,
    ([{ version, look, run }, changes]) => {
      using folder = tempFolder();
      const path = join(folder.path, db);
      writeFileSync(path, at(whole, version));
      const changed = apply(path, changes);
      try {
        expectAnswers(folder.path, look, run);
        expect(othersIn(path)).toBe(othersText);
      } catch (error) {
        throw new Error(`${changed.join("\n")}\n${String(error)}`, { cause: error });
      }
    },
    8,
  );
});

/** Statements that change the schema, as another program or an author might. */
const schemaChanges = [
  "DROP TABLE task_runs",
  "DROP TABLE task_logs",
  "DROP TABLE pipeline_runs",
  "DROP TABLE pipeloom_schema",
  "DELETE FROM pipeloom_schema",
  "INSERT INTO pipeloom_schema VALUES (1)",
  "DELETE FROM pipeline_runs",
  "DELETE FROM task_runs",
  "ALTER TABLE task_runs RENAME COLUMN result TO outcome",
  "ALTER TABLE task_runs ADD COLUMN mine TEXT",
  "ALTER TABLE pipeline_runs ADD COLUMN mine TEXT NOT NULL DEFAULT 'x'",
  "ALTER TABLE pipeline_runs RENAME TO pipeline_runs_old",
  "ALTER TABLE task_runs RENAME TO x; CREATE VIEW task_runs AS SELECT * FROM x",
  "ALTER TABLE task_runs RENAME TO x; CREATE TABLE task_runs (id INTEGER)",
  "ALTER TABLE task_runs RENAME TO x; CREATE TABLE task_runs AS SELECT * FROM x",
  "CREATE TRIGGER no BEFORE UPDATE ON pipeline_runs BEGIN SELECT RAISE(ABORT, 'not allowed'); END",
  "CREATE TRIGGER no BEFORE INSERT ON task_runs BEGIN SELECT RAISE(ABORT, 'not allowed'); END",
  "CREATE TRIGGER no AFTER INSERT ON task_runs BEGIN INSERT INTO nowhere VALUES (1); END",
  "CREATE TRIGGER no BEFORE UPDATE ON task_runs BEGIN SELECT RAISE(IGNORE); END",
  "CREATE UNIQUE INDEX one ON task_runs (name)",
  "CREATE UNIQUE INDEX one ON pipeline_runs (pipeline)",
  "CREATE INDEX odd ON task_runs (json_extract(result, '$.a'))",
  "DROP TABLE steps; CREATE VIEW steps AS SELECT 1 AS at",
  "DROP TABLE loaded; CREATE TABLE loaded (n TEXT)",
  "CREATE TRIGGER no BEFORE INSERT ON steps BEGIN SELECT RAISE(ROLLBACK, 'not allowed'); END",
  "PRAGMA user_version = 99",
  "PRAGMA application_id = 99",
  "PRAGMA auto_vacuum = FULL; VACUUM",
  "PRAGMA encoding = 'UTF-16'",
  "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE task_runs (' WHERE name = 'task_runs'",
  "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'pipeline_runs'",
  "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'task_logs'",
];

test("another schema", async () => {
  const input = fc.tuple(commands, fc.subarray(schemaChanges, { minLength: 1, maxLength: 2 }));
  await fuzz(
    "schemas",
    input,
    ([{ version, look, run }, changes]) => {
      using folder = tempFolder();
      const path = join(folder.path, db);
      writeFileSync(path, at(whole, version));
      for (const sql of changes) {
        using own = new Database(path);
        try {
          own.run(sql);
        } catch {
          // One change can prevent the other.
        }
      }
      expectAnswers(folder.path, look, run);
    },
    5,
  );
});

test("bytes that were flipped in a file of any version", async () => {
  const flip = fc.record({ at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) });
  const input = fc.tuple(
    commands,
    fc.array(flip, { minLength: 1, maxLength: 8 }),
    fc.option(fc.nat()),
  );
  await fuzz(
    "flipped bytes of a database",
    input,
    ([{ version, look, run }, flips, length]) => {
      using folder = tempFolder();
      const bytes = Buffer.from(at(whole, version));
      for (const { at: offset, bytes: written } of flips)
        bytes.set(
          written.subarray(0, bytes.length - (offset % bytes.length)),
          offset % bytes.length,
        );
      writeFileSync(
        join(folder.path, db),
        length === null ? bytes : bytes.subarray(0, length % bytes.length),
      );
      expectAnswers(folder.path, look, run);
    },
    5,
  );
});
