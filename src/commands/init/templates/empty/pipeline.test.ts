// Run it: pipeloom test

import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runPipeline } from "pipeloom";

const folder = mkdtempSync(join(tmpdir(), "pipeline-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("greets by name", async () => {
  const db = join(folder, "test.db");
  const file = join(import.meta.dir, "pipeline.ts");

  const summary = await runPipeline(file, { db, params: { name: "Ada" } });

  expect(summary.status).toBe("done");
  using found = new Database(db, { readonly: true });
  const rows = found.query("SELECT name FROM greetings").all();
  expect(rows).toEqual([{ name: "Ada" }]);
});
