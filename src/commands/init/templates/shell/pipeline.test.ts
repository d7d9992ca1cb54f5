// Run it: pipeloom test

import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runPipeline } from "pipeloom";

const folder = mkdtempSync(join(tmpdir(), "pipeline-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("counts the lines of every file", async () => {
  const db = join(folder, "test.db");
  const file = join(import.meta.dir, "pipeline.ts");
  const lines = (await Bun.file(file).text()).split("\n").length - 1;

  const summary = await runPipeline(file, { db });

  expect(summary.status).toBe("done");
  using found = new Database(db, { readonly: true });
  const row = found.query("SELECT lines FROM files WHERE file = 'pipeline.ts'").get();
  expect(row).toEqual({ lines });
});
