// Run it: pipeloom test

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runPipeline } from "pipeloom";

test("loads every page, also when the server fails once", async () => {
  let requests = 0;
  const api = Bun.serve({
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
  const db = join(mkdtempSync(join(tmpdir(), "pipeline-")), "test.db");
  const base = new URL("/api/", api.url).href;

  const summary = await runPipeline(join(import.meta.dir, "pipeline.ts"), { db, params: { base } });
  await api.stop();

  expect(summary.status).toBe("done");
  const rows = new Database(db, { readonly: true }).query("SELECT id, author FROM posts").all();
  expect(rows).toEqual([
    { id: 1, author: "Ada" },
    { id: 2, author: "Alan" },
  ]);
});
