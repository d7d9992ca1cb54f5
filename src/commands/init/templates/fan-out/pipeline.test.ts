// Run it: pipeloom test

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runPipeline } from "pipeloom";

test("there are 25 primes below 100, in however many parts", async () => {
  const db = join(mkdtempSync(join(tmpdir(), "pipeline-")), "test.db");
  const file = join(import.meta.dir, "pipeline.ts");

  const summary = await runPipeline(file, { db, params: { limit: 100, parts: 7 } });

  expect(summary.status).toBe("done");
  const row = new Database(db, { readonly: true })
    .query("SELECT count(*) AS parts, sum(count) AS primes FROM primes")
    .get();
  expect(row).toEqual({ parts: 7, primes: 25 });
});
