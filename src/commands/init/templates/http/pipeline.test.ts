// Run it: pipeloom test

import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runPipeline } from "pipeloom";

const folder = mkdtempSync(join(tmpdir(), "pipeline-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("loads every page, also when the server fails once", async () => {
  let requests = 0;
  using api = Bun.serve({
    port: 0,
    routes: {
      "/api/pages.json": Response.json(["1.json", "2.json"]),
      "/api/1.json": Response.json([{ id: 1, author: "Ada", title: "One" }]),
      "/api/2.json": () =>
        requests++ === 0
          ? new Response("busy", { status: 503 })
          : Response.json([{ id: 2, author: "Alan", title: "Two" }]),
    },
  });
  const db = join(folder, "test.db");
  const base = new URL("/api/", api.url).href;

  const summary = await runPipeline(join(import.meta.dir, "pipeline.ts"), { db, params: { base } });

  expect(summary.status).toBe("done");
  using found = new Database(db, { readonly: true });
  const rows = found.query("SELECT id, author FROM posts").all();
  expect(rows).toEqual([
    { id: 1, author: "Ada" },
    { id: 2, author: "Alan" },
  ]);
});
