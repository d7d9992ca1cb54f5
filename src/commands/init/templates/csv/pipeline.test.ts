// Run it: pipeloom test

import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runPipeline } from "pipeloom";

import { parseCsv } from "./pipeline.ts";

const file = join(import.meta.dir, "pipeline.ts");

const folder = mkdtempSync(join(tmpdir(), "pipeline-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("loads every row once, however often it runs", async () => {
  await Bun.write(join(folder, "a.csv"), "customer,product,quantity,price\nAda,pen,2,1.5\n");
  await Bun.write(join(folder, "b.csv"), "customer,product,quantity,price\nAlan,lamp,1,20\n");
  const db = join(folder, "test.db");

  await runPipeline(file, { db, params: { folder } });
  const summary = await runPipeline(file, { db, params: { folder } });

  expect(summary.status).toBe("done");
  using found = new Database(db, { readonly: true });
  const rows = found.query("SELECT customer, quantity FROM orders ORDER BY customer").all();
  expect(rows).toEqual([
    { customer: "Ada", quantity: 2 },
    { customer: "Alan", quantity: 1 },
  ]);
});

test("a cell may contain commas, quotes and line breaks", () => {
  expect(parseCsv('a,b\n"1,5","say ""hi""\nnow"\n')).toEqual([
    ["a", "b"],
    ["1,5", 'say "hi"\nnow'],
  ]);
});

test("a file that is not CSV is an error and loses no rows", () => {
  expect(() => parseCsv('a,b\n5" nail,1\n')).toThrow("row 2");
});
