// Run it: pipeloom test

import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runPipeline } from "pipeloom";

const folder = mkdtempSync(join(tmpdir(), "pipeline-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("downloads what the list says, and records it", async () => {
  using server = Bun.serve({ port: 0, routes: { "/a.txt": new Response("hello") } });
  const list = join(folder, "addresses.txt");
  const db = join(folder, "test.db");
  await Bun.write(list, `# a comment\n${new URL("/a.txt", server.url).href}\n`);

  const file = join(import.meta.dir, "pipeline.ts");
  const summary = await runPipeline(file, { db, params: { list, folder } });

  expect(summary.status).toBe("done");
  expect(await Bun.file(join(folder, "a.txt")).text()).toBe("hello");
  using found = new Database(db, { readonly: true });
  const rows = found.query("SELECT bytes FROM downloads").all();
  expect(rows).toEqual([{ bytes: 5 }]);
});
