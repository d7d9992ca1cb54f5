// Run it: pipeloom test

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runPipeline } from "pipeloom";

test("counts the lines of every file", async () => {
  const db = join(mkdtempSync(join(tmpdir(), "pipeline-")), "test.db");
  const file = join(import.meta.dir, "pipeline.ts");
  const lines = (await Bun.file(file).text()).split("\n").length - 1;

  const summary = await runPipeline(file, { db });

  expect(summary.status).toBe("done");
  const row = new Database(db, { readonly: true })
    .query("SELECT lines FROM files WHERE file = 'pipeline.ts'")
    .get();
  expect(row).toEqual({ lines });
});
