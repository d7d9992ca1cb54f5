// Run it: pipeloom test

import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runPipeline } from "pipeloom";

import { sampleApi } from "./sample-api.ts";

const folder = mkdtempSync(join(tmpdir(), "pipeline-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("loads all pages, waits when it is asked to, and loads only what is new the next time", async () => {
  const orders = Array.from({ length: 60 }, (_, i) => ({
    id: i + 1,
    customer: "Ada",
    cents: i,
    updated_at: `2026-01-01T00:00:${String(i).padStart(2, "0")}Z`,
  }));
  const requests: string[] = [];
  using server = Bun.serve({
    port: 0,
    fetch(request) {
      const url = new URL(request.url);
      const isFirst = requests.length === 0;
      requests.push(url.search);
      return isFirst
        ? new Response("slow down", { status: 429, headers: { "Retry-After": "0" } })
        : sampleApi(url, orders);
    },
  });
  const db = join(folder, "test.db");
  const run = () =>
    runPipeline(join(import.meta.dir, "pipeline.ts"), { db, params: { api: server.url.href } });

  expect((await run()).status).toBe("done");
  // Once refused, then the number of pages, and two pages.
  expect(requests).toHaveLength(4);

  orders.push({ id: 7, customer: "Alan", cents: 0, updated_at: "2026-01-02T00:00:00Z" });
  expect((await run()).status).toBe("done");
  expect(requests.slice(4)).toEqual(
    ["1", "1"].map((page) => `?since=2026-01-01T00%3A00%3A59Z&page=${page}`),
  );

  using found = new Database(db, { readonly: true });
  const rows = found.query("SELECT customer, COUNT(*) FROM orders GROUP BY 1 ORDER BY 1").values();
  expect(rows).toEqual([
    ["Ada", 59],
    ["Alan", 1],
  ]);
});
