// The lists of runs and pipelines, and two runs side by side.

import type { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import type { RunsView } from "../../src/page/contract.ts";
import type { CompareView, EditView, PipelinesView } from "../../src/page/contract-runs.ts";
import { pageRig } from "./page-rig.ts";

/** Seconds after the beginning of the day. */
const at = (s: number): string => new Date(Date.UTC(2026, 0, 1) + s * 1000).toISOString();

function addRun(db: Database, pipeline: string, status: string, seconds = 2): void {
  db.run(
    `INSERT INTO pipeline_runs (pipeline, params, status, started_at, finished_at, tasks_total)
      VALUES (?, '{}', ?, ?, ?, 1)`,
    [pipeline, status, at(0), status === "running" ? null : at(seconds)],
  );
}

test("failed runs first, in pages; an interrupted run is not a running one", async () => {
  // 5 is dead: its row says that it runs, and no process holds its lock.
  const statuses = ["error", "done", "done", "error", "running", "done"];
  await using rig = await pageRig((db) => {
    for (const status of statuses) addRun(db, "etl", status);
  });
  const pagesOf = async (query: string): Promise<number[][]> => {
    const pages: number[][] = [];
    for (let before = ""; ;) {
      const { runs, hasMore } = await rig.data<RunsView>(`/data/runs?limit=2&${query}${before}`);
      pages.push(runs.map(({ id }) => id));
      if (!hasMore) return pages;
      before = `&before=${runs.at(-1)?.id}`;
    }
  };
  expect(await pagesOf("order=failed")).toEqual([
    [5, 4],
    [1, 6],
    [3, 2],
  ]);
  expect(await pagesOf("")).toEqual([
    [6, 5],
    [4, 3],
    [2, 1],
  ]);
  expect(await pagesOf("status=interrupted")).toEqual([[5]]);
  expect(await pagesOf("status=running")).toEqual([[]]);
  expect(await pagesOf("status=error&order=failed")).toEqual([[4, 1]]);
});

test("a run that is for a slot of its schedule says for which", async () => {
  await using rig = await pageRig((db) => {
    addRun(db, "etl", "done");
    addRun(db, "etl", "error");
    db.run("UPDATE pipeline_runs SET scheduled_for = ? WHERE id = 2", [at(3600)]);
  });
  const { runs } = await rig.data<RunsView>("/data/runs");
  expect(runs.map(({ scheduledFor }) => scheduledFor)).toEqual([Date.parse(at(3600)), null]);
});

test("a run with an engine says which; that of a local run is not worth a word", async () => {
  await using rig = await pageRig((db) => {
    for (const engine of [null, "threads", "redis://host:6379"]) {
      addRun(db, "etl", "done");
      db.run("UPDATE pipeline_runs SET engine = ? WHERE id = last_insert_rowid()", [engine]);
    }
  });
  const { runs } = await rig.data<RunsView>("/data/runs");
  expect(runs.map(({ engine }) => engine)).toEqual(["redis://host:6379", null, null]);
});

test("pipelines: the one that ran last first, with its last 30 runs", async () => {
  await using rig = await pageRig((db) => {
    addRun(db, "old", "running");
    for (let i = 0; i < 40; i++) addRun(db, "etl", i % 2 === 0 ? "done" : "error", i);
    addRun(db, "<img onerror=alert(1)>", "cancelled");
  });
  const { pipelines } = await rig.data<PipelinesView>("/data/pipelines");
  expect(pipelines.map(({ name, runs, recent }) => [name, runs, recent.length])).toEqual([
    ["<img onerror=alert(1)>", 1, 1],
    ["etl", 40, 30],
    ["old", 1, 1],
  ]);
  const [, etl, old] = pipelines;
  expect(etl?.recent.map(({ id }) => id)).toEqual(Array.from({ length: 30 }, (_, i) => i + 12));
  expect(etl?.last).toMatchObject({ id: 41, status: "error" });
  expect((etl?.recent.at(-1)?.finishedAt ?? 0) - (etl?.recent.at(-1)?.startedAt ?? 0)).toBe(39_000);
  expect(old?.recent).toMatchObject([{ id: 1, status: "interrupted", finishedAt: null }]);
});

test("two runs: which definitions were edited, and how", async () => {
  await using rig = await pageRig((db) => {
    addRun(db, "etl", "done");
    addRun(db, "etl", "error");
    const sources = { x: "a()\nb()", y: "a()\nc()" };
    for (const [fingerprint, source] of Object.entries(sources))
      db.run("INSERT INTO pipeloom_sources VALUES (?, ?, 2)", [fingerprint, Bun.gzipSync(source)]);
    const definitions = [
      [1, "load", "x"],
      [1, "same", "x"],
      [1, "gone", "x"],
      [1, "lost", "x"],
      [2, "load", "y"],
      [2, "same", "x"],
      [2, "new", "z"],
      [2, "lost", "z"],
    ] as const;
    for (const [run, name, fingerprint] of definitions)
      db.run(
        "INSERT INTO pipeloom_definitions (run_id, name, fingerprint, repeats) VALUES (?, ?, ?, 0)",
        [run, name, fingerprint],
      );
  });
  const { a, b, edits, params } = await rig.data<CompareView>("/data/compare?a=1&b=2");
  expect(params).toEqual({ a: "{}", b: "{}" });
  expect([a.id, b.id]).toEqual([1, 2]);
  expect(edits).toEqual([
    { name: "gone", kind: "removed", hasCode: true },
    { name: "load", kind: "changed", hasCode: true },
    { name: "lost", kind: "changed", hasCode: false },
    { name: "new", kind: "added", hasCode: false },
  ]);
  const { lines } = await rig.data<EditView>("/data/compare/edit?a=1&b=2&task=load");
  expect(lines?.map(({ kind, text }) => `${kind} ${text}`)).toEqual([
    "same a()",
    "removed b()",
    "added c()",
  ]);
  expect(await rig.data<EditView>("/data/compare/edit?a=1&b=2&task=lost")).toEqual({ lines: null });
  for (const query of ["", "?a=1", "?a=1&b=x", "?a=0&b=1"])
    expect((await rig.get(`/data/compare${query}`)).status).toBe(400);
  expect((await rig.get("/data/compare?a=1&b=9")).status).toBe(404);
});

test("long params are cut in lists, and whole where two runs are compared", async () => {
  const long = JSON.stringify({ ids: Array.from({ length: 2_000 }, (_, i) => i), token: "secret" });
  await using rig = await pageRig((db) => {
    addRun(db, "etl", "done");
    db.run("UPDATE pipeline_runs SET params = ?", [long]);
  });
  const [run] = (await rig.data<RunsView>("/data/runs")).runs;
  expect(run?.params.length).toBe(2_001);
  expect(run?.params).toEndWith("…");
  const { params } = await rig.data<CompareView>("/data/compare?a=1&b=1");
  expect(params.a).toBe(long.replace('"secret"', '"***"'));
});
