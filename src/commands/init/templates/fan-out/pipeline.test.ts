// Run it: pipeloom test

import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runPipeline } from "pipeloom";

const folder = mkdtempSync(join(tmpdir(), "pipeline-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("there are 25 primes below 100, in however many parts", async () => {
  const db = join(folder, "test.db");
  const file = join(import.meta.dir, "pipeline.ts");

  const summary = await runPipeline(file, { db, params: { limit: 100, parts: 7 } });

  expect(summary.status).toBe("done");
  using found = new Database(db, { readonly: true });
  const row = found.query("SELECT count(*) AS parts, sum(count) AS primes FROM primes").get();
  expect(row).toEqual({ parts: 7, primes: 25 });
});
