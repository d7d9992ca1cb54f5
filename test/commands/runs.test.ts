import type { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";

import { runsData, runsLines, type RunsView } from "../../src/commands/runs-view.ts";
import { paletteOf } from "../../src/base/palette.ts";
import { openReader } from "../../src/store/read/reader.ts";
import { type RunList, runList } from "../../src/store/read/run-list.ts";
import { openDatabase } from "../../src/store/open-database.ts";
import { asciiGlyphs, unicodeGlyphs } from "../../src/terminal/glyphs.ts";
import { options } from "../store/write/options.ts";
import { tempFolder, type TempFolder } from "../store/write/temp-folder.ts";
import { pipeloom } from "./pipeloom.ts";

const now = Date.parse("2026-01-01T01:00:00.000Z");
const at = (second: number): string =>
  new Date(Date.parse("2026-01-01T00:00:00.000Z") + second * 1000).toISOString();

function addRun(db: Database, pipeline: string, status: string, seconds: number | null): void {
  const { id } = db
    .query<{ id: number }, [string, string, string, string | null]>(
      "INSERT INTO pipeline_runs (pipeline, params, status, started_at, finished_at, tasks_total) VALUES (?, '{}', ?, ?, ?, 2) RETURNING id",
    )
    .get(pipeline, status, at(0), seconds === null ? null : at(seconds)) ?? { id: 0 };
  const task = db.query(
    "INSERT INTO task_runs (run_id, id, name, key, status) VALUES (?, ?, 'load', 'k', ?)",
  );
  task.run(id, 1, "done");
  task.run(id, 2, status === "running" ? "running" : status);
}

/** posts: 1 s, 4 s, failed, 8 s, running; pages: 2 s. */
function filled(): TempFolder {
  const folder = tempFolder();
  using db = openDatabase(options(folder.file("pipeloom.db")));
  addRun(db, "posts", "done", 1);
  addRun(db, "posts", "done", 4);
  addRun(db, "pages", "done", 2);
  addRun(db, "posts", "error", 100);
  addRun(db, "posts", "done", 8);
  addRun(db, "posts", "running", null);
  return folder;
}

function listOf(folder: TempFolder, pipeline?: string, maxRuns = 20): RunList {
  using reader = openReader(folder.file("pipeloom.db"));
  return runList(reader, { maxRuns, pipeline, isAlive: () => false });
}

const view = (more: Partial<RunsView> = {}): RunsView => ({
  db: "a.db",
  now,
  width: Number.POSITIVE_INFINITY,
  colors: paletteOf(0),
  glyphs: unicodeGlyphs,
  ...more,
});

describe("the view", () => {
  test("runs newest first, and the durations of done runs", () => {
    using folder = filled();
    expect(runsLines(listOf(folder), view())).toEqual([
      "RUN  PIPELINE  STATUS       DONE  STARTED        TIME",
      "  6  posts     interrupted   1/2  1 h ago",
      "  5  posts     done          2/2  1 h ago       8.0 s",
      "  4  posts     error         1/2  1 h ago  1 min 40 s",
      "  3  pages     done          2/2  1 h ago       2.0 s",
      "  2  posts     done          2/2  1 h ago       4.0 s",
      "  1  posts     done          2/2  1 h ago       1.0 s",
      "",
      "posts ▂▅█ last 8.0 s, median 4.0 s, longest 8.0 s (3 done runs)",
    ]);
  });

  test("one pipeline, and no more runs than asked for", () => {
    using folder = filled();
    expect(listOf(folder, "pages").runs.map(({ id }) => Number(id))).toEqual([3]);
    expect(listOf(folder, undefined, 2).runs.map(({ id }) => Number(id))).toEqual([6, 5]);
  });

  test("a terminal without block characters, and a narrow one", () => {
    using folder = filled();
    const list = listOf(folder);
    expect(runsLines(list, view({ glyphs: asciiGlyphs })).at(-1)).toStartWith("posts .-^ last");
    for (const line of runsLines(list, view({ width: 30 }))) {
      expect(Bun.stringWidth(line)).toBeLessThanOrEqual(30);
    }
  });

  test("nothing yet", () => {
    const empty: RunList = { runs: [], durations: new Map() };
    expect(runsLines(empty, view())).toEqual(["a.db has no runs yet"]);
  });

  test("as data", () => {
    using folder = filled();
    expect(runsData(listOf(folder, "posts", 2), "/a.db", now)).toMatchObject({
      version: 1,
      db: "/a.db",
      runs: [
        { id: 6, status: "interrupted", durationMs: null, counts: { interrupted: 1, done: 1 } },
        { id: 5, status: "done", durationMs: 8000, params: {} },
      ],
      pipelines: [{ pipeline: "posts", durationsMs: [1000, 4000, 8000] }],
    });
  });
});

describe("the command", () => {
  test("as JSON", async () => {
    using folder = filled();
    const { out, code } = await pipeloom(folder.path, ["runs", "pages", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ runs: [{ id: 3, pipeline: "pages" }] });
  });

  const errors: [string, string[], number, string][] = [
    ["no database", ["--db", "no.db"], 1, "no database at no.db"],
    ["a pipeline that never ran", ["nope"], 1, "it has runs of posts, pages"],
    ["a limit of none", ["-n", "0"], 2, "0"],
  ];
  test.each(errors)("%s", async (_, args, code, says) => {
    using folder = filled();
    const ended = await pipeloom(folder.path, ["runs", ...args]);
    expect({ code: ended.code, out: ended.out }).toEqual({ code, out: "" });
    expect(ended.err).toContain(says);
  });
});
