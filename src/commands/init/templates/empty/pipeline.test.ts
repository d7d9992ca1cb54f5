// Run it: pipeloom test

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runPipeline } from "pipeloom";

test("greets by name", async () => {
  const db = join(mkdtempSync(join(tmpdir(), "pipeline-")), "test.db");
  const file = join(import.meta.dir, "pipeline.ts");

  const summary = await runPipeline(file, { db, params: { name: "Ada" } });

  expect(summary.status).toBe("done");
  const rows = new Database(db, { readonly: true }).query("SELECT name FROM greetings").all();
  expect(rows).toEqual([{ name: "Ada" }]);
});
