import type { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { utimesSync } from "node:fs";

import { statusData, statusLines } from "../../src/commands/status-view.ts";
import { runId } from "../../src/protocol/ids.ts";
import type { Overview, SeenRun } from "../../src/store/read/overview.ts";
import type { Counts } from "../../src/store/read/task-counts.ts";
import type { SeenTask } from "../../src/store/read/task-list.ts";
import { unicodeGlyphs } from "../../src/terminal/glyphs.ts";
import { paletteOf } from "../../src/base/palette.ts";
import type { RunLock } from "../../src/store/lock.ts";
import { openDatabase } from "../../src/store/open-database.ts";
import { acquireRunLock, options } from "../store/write/options.ts";
import { tempFolder, type TempFolder } from "../store/write/temp-folder.ts";
import { cliCommand, pipeloom } from "./pipeloom.ts";

const now = Date.parse("2026-01-01T00:02:05.000Z");
const none: Counts = {
  queued: 0,
  running: 0,
  interrupted: 0,
  done: 0,
  error: 0,
  cancelled: 0,
  skipped: 0,
};
const run: SeenRun = {
  id: runId(2),
  pipeline: "posts",
  file: "/home/ada/my etl.ts",
  params: '{"limit":3}',
  status: "interrupted",
  tasksTotal: 9,
  counts: { ...none, done: 2, interrupted: 1 },
  startedAt: "2026-01-01T00:00:00.000Z",
  finishedAt: null,
  processStartedAt: null,
  pid: 7,
  host: "laptop",
  error: null,
  trigger: "cli",
  version: "1.2.3",
  scheduledFor: null,
  previousSlot: null,
  engine: "threads",
};
const task: SeenTask = {
  run: runId(2),
  id: 4,
  name: "load-page",
  label: null,
  status: "running",
  progress: 0.429,
  message: "fetched\nand more",
  attempt: 2,
  machine: null,
  on: [],
  startedAt: "2026-01-01T00:01:00.000Z",
  finishedAt: null,
  error: null,
  rows: 0,
  cpuMs: null,
  waitedMs: 0,
  earlierAttempts: [],
  reason: null,
};
const seen: Overview = {
  runs: [run],
  failures: [],
  definitions: null,
  tasks: [task],
  counts: { ...none, done: 2, interrupted: 1 },
};

const lines = (overview: Overview, detailed = false, width = Number.POSITIVE_INFINITY): string[] =>
  statusLines(overview, {
    db: "a.db",
    now,
    width,
    colors: paletteOf(0),
    glyphs: unicodeGlyphs,
    detailed,
    withAttempts: true,
  });

describe("the view", () => {
  test("runs, tasks, counts, and what to type next", () => {
    expect(lines(seen)).toEqual([
      "RUN  PIPELINE  STATUS       DONE  STARTED",
      "  2  posts     interrupted   2/9  2 min ago",
      "",
      "RUN  ID  TASK       STATUS    AT  TRY  STARTED          TIME  MESSAGE",
      "  2   4  load-page  running  42%    2  1 min ago  1 min 05 s  fetched",
      "",
      "3 tasks: 2 done, 1 interrupted",
      "run 2 was interrupted; to continue it: pipeloom run '/home/ada/my etl.ts' --param limit=3 --db a.db --resume 2",
    ]);
  });

  test("a run with an engine: its address, and the machines of tasks and attempts", () => {
    const engine = "redis://10.0.0.5:6379";
    const error = { name: "Error", message: "no" };
    const ended = { attempt: 1, worker: 1, startedAt: null, finishedAt: null, outcome: "error" };
    const away: Overview = {
      ...seen,
      runs: [{ ...run, engine }],
      tasks: [
        {
          ...task,
          machine: "web1/2",
          message: null,
          earlierAttempts: [{ ...ended, machine: "web1", error }],
        },
      ],
    };
    expect(lines(away).slice(0, 9)).toEqual([
      "RUN  PIPELINE  STATUS       DONE  ENGINE                 STARTED",
      "  2  posts     interrupted   2/9  redis://10.0.0.5:6379  2 min ago",
      "",
      "RUN  ID  TASK       STATUS    AT  TRY  MACHINE  STARTED          TIME",
      "  2   4  load-page  running  42%    2  web1/2   1 min ago  1 min 05 s",
      "",
      "Earlier attempts of these tasks",
      "RUN  ID  ATTEMPT  OUTCOME  MACHINE  MESSAGE",
      "  2   4        1  error    web1     no",
    ]);
    const waits = { ...task, status: "queued" as const, startedAt: null, on: ["big", "gpu"] };
    expect(lines({ ...away, tasks: [waits] }).join("\n")).toContain(
      "only on workers with the tags big and gpu",
    );
    expect(lines(away).at(-1)).toEndWith(
      `pipeloom run '/home/ada/my etl.ts' --param limit=3 --engine ${engine} --db a.db --resume 2`,
    );
    expect(lines(away, true)).toContain(`engine    ${engine}`);
    expect(statusData(away, "/a.db", now)).toMatchObject({
      runs: [{ engine }],
      tasks: [{ machine: "web1/2", earlierAttempts: [{ machine: "web1" }] }],
    });
  });

  test("one run in detail", () => {
    const failed: SeenRun = {
      ...run,
      status: "error",
      finishedAt: "2026-01-01T00:00:30.000Z",
      error: { name: "TypeError", message: "no\nway" },
    };
    const text = lines({ ...seen, runs: [failed], tasks: [] }, true);
    expect(text.filter((line) => !line.startsWith("started"))).toEqual([
      "run       2, error",
      "pipeline  posts",
      "file      /home/ada/my etl.ts",
      'params    {"limit":3}',
      "done      2/9",
      "process   7 on laptop",
      "begun by  the command line, pipeloom 1.2.3",
      "error     TypeError: no",
      "",
      "3 tasks: 2 done, 1 interrupted",
    ]);
    expect(text.find((line) => line.startsWith("started"))).toContain("(30.0 s)");
  });

  test("nothing yet", () => {
    expect(lines({ runs: [], failures: [], definitions: null, tasks: [], counts: none })).toEqual([
      "a.db has no runs yet",
    ]);
  });

  test("names are shown, not obeyed, and nothing is wider than the screen", () => {
    const nasty: Overview = {
      ...seen,
      runs: [{ ...run, pipeline: "\x1b[2Jposts\r", file: "\x07.ts" }],
      tasks: [{ ...task, name: "a\nb".repeat(50), message: "\x1b]0;x\x07".repeat(50) }],
    };
    for (const detailed of [true, false]) {
      for (const line of lines(nasty, detailed, 40)) {
        expect(line).not.toMatch(/\p{Cc}/u);
        expect(Bun.stringWidth(line)).toBeLessThanOrEqual(40);
      }
    }
  });

  test("data: what runs has lasted until now, and what was interrupted nobody knows how long", () => {
    expect(statusData(seen, "/a.db", now)).toMatchObject({
      db: "/a.db",
      at: "2026-01-01T00:02:05.000Z",
      runs: [{ id: 2, params: { limit: 3 }, durationMs: null }],
      tasks: [{ run: 2, id: 4, durationMs: 65_000 }],
      counts: { done: 2 },
    });
  });
});

/** A database with one run that has one running task. */
function running(folder: TempFolder, name = "pipeloom.db"): { db: Database; lock: RunLock } {
  const db = openDatabase(options(folder.file(name)));
  db.run(
    "INSERT INTO pipeline_runs (id, pipeline, file, params, status, tasks_total, started_at, pid, host) VALUES (1, 'posts', '/etl.ts', '{}', 'running', 2, '2026-01-01T00:00:00.000Z', 7, 'laptop')",
  );
  db.run(
    "INSERT INTO task_runs (run_id, id, name, key, status) VALUES (1, 1, 'first', 'k', 'running')",
  );
  return { db, lock: acquireRunLock(folder.file(name), runId(1)) };
}

const finish = (db: Database): void => {
  db.run("UPDATE task_runs SET status = 'done', progress = 1");
  db.run("UPDATE pipeline_runs SET status = 'done', finished_at = '2026-01-01T00:01:00.000Z'");
};

describe("the command", () => {
  test("as JSON, while it is written: alive, then dead", async () => {
    using folder = tempFolder();
    const { db, lock } = running(folder);
    const statuses = async (): Promise<unknown> => {
      const { out } = await pipeloom(folder.path, ["status", "--format", "json"]);
      const data = JSON.parse(out) as { runs: SeenRun[]; tasks: SeenTask[] };
      return [data.runs[0]?.status, data.tasks[0]?.status];
    };
    expect(await statuses()).toEqual(["running", "running"]);
    lock.release();
    expect(await statuses()).toEqual(["interrupted", "interrupted"]);
    db.close(true);
  });

  test("the database that was written last is meant when none is named", async () => {
    using folder = tempFolder();
    for (const name of ["pipeloom.db", "wal_demo.db"]) {
      const { db, lock } = running(folder, name);
      finish(db);
      db.close(true);
      lock.release();
    }
    for (const [older, newer] of [
      ["pipeloom.db", "wal_demo.db"],
      ["wal_demo.db", "pipeloom.db"],
    ] as const) {
      utimesSync(folder.file(older), 1_000, 1_000);
      utimesSync(folder.file(newer), 2_000, 2_000);
      const { out } = await pipeloom(folder.path, ["status", "-f", "json"]);
      expect((JSON.parse(out) as { db: string }).db).toEndWith(newer);
    }
    expect(folder.list()).toEqual(["pipeloom.db", "wal_demo.db"]);
  });

  const listed: [string, string[], string[]][] = [
    ["failed tasks", ["--failed"], ["bad"]],
    ["tasks of a name", ["--task", "good"], ["good"]],
    ["tasks since a day", ["--since", "2026-01-02"], ["bad"]],
    ["tasks since a time", ["--since", "2026-01-01T00:00:00Z"], ["bad", "good"]],
    ["nothing of the last hour", ["--since", "1h"], []],
  ];
  test.each(listed)("lists only %s", async (_, args, names) => {
    using folder = tempFolder();
    const { db, lock } = running(folder);
    finish(db);
    const set = db.query("UPDATE task_runs SET name = ?, status = ?, finished_at = ? WHERE id = ?");
    set.run("good", "done", "2026-01-01T12:00:00.000Z", 1);
    db.run("INSERT INTO task_runs (run_id, id, name, key, status) VALUES (1, 2, '', 'k', '')");
    set.run("bad", "error", "2026-01-03T00:00:00.000Z", 2);
    db.close(true);
    lock.release();
    const { out } = await pipeloom(folder.path, ["status", "-f", "json", ...args]);
    const data = JSON.parse(out) as Overview;
    expect(data.tasks.map(({ name }) => name)).toEqual(names);
    expect([data.failures.length, data.counts.done, data.counts.error]).toEqual([1, 1, 1]);
  });

  test("tasks of a name come with their earlier attempts", async () => {
    using folder = tempFolder();
    const { db, lock } = running(folder);
    finish(db);
    const attempt = db.query("INSERT INTO task_attempts VALUES (1, 1, ?, 0, ?, ?, ?, ?, NULL)");
    const at = "2026-01-01T00:00:01.000Z";
    attempt.run(1, at, "2026-01-01T00:00:03.500Z", "error", '{"name":"E","message":"no"}');
    attempt.run(2, at, null, "interrupted", null);
    db.close(true);
    lock.release();
    const { out } = await pipeloom(folder.path, ["status", "--task", "first"]);
    expect(out).toContain("Earlier attempts of these tasks\nRUN  ID  ATTEMPT  OUTCOME");
    expect(out).toMatch(/^ {2}1 {3}1 {8}1 {2}error +\S.* {2}2\.5 s {2}E: no$/m);
    expect(out).toMatch(/^ {2}1 {3}1 {8}2 {2}interrupted/m);
    expect((await pipeloom(folder.path, ["status"])).out).not.toContain("Earlier attempts");
    const json = await pipeloom(folder.path, ["status", "-f", "json"]);
    const [first] = (JSON.parse(json.out) as Overview).tasks;
    expect(first?.earlierAttempts.map(({ outcome }) => outcome)).toEqual(["error", "interrupted"]);
  });

  const errors: [string, string[], number, string][] = [
    ["no database", ["--db", "no.db"], 1, "no database at no.db"],
    ["no such run", ["--run", "9"], 1, "no run 9"],
    ["a limit that is no number", ["-n", "abc"], 2, "abc"],
    ["a limit below zero", ["-n", "-1"], 2, "-1"],
    ["a run that is no number", ["--run", "1.5"], 2, "1.5"],
    ["a time that is none", ["--since", "soon"], 2, "2h or 30m"],
  ];
  test.each(errors)("%s", async (_, args, code, says) => {
    using folder = tempFolder();
    const { db, lock } = running(folder);
    db.close(true);
    lock.release();
    const ended = await pipeloom(folder.path, ["status", ...args]);
    expect({ code: ended.code, out: ended.out }).toEqual({ code, out: "" });
    expect(ended.err).toContain(says);
  });
});

describe("--watch", () => {
  test("in a pipe: a block when something changed, until nothing runs", async () => {
    using folder = tempFolder();
    const { db, lock } = running(folder);
    const child = Bun.spawn(cliCommand("status", "--watch", "-f", "json"), {
      cwd: folder.path,
      stdout: "pipe",
    });
    const text = child.stdout.getReader();
    const first = new TextDecoder().decode((await text.read()).value);
    expect(JSON.parse(first)).toMatchObject({ counts: { running: 1, done: 0 } });
    finish(db);
    lock.release();
    const second = new TextDecoder().decode((await text.read()).value);
    expect(JSON.parse(second)).toMatchObject({ counts: { running: 0, done: 1 } });
    expect((await text.read()).done).toBe(true);
    expect(await child.exited).toBe(0);
    db.close(true);
  });

  test.skipIf(process.platform === "win32").each([
    ["q", 0],
    ["\x03", 130],
  ])("on a terminal: until %j, and the terminal is given back", async (key, code) => {
    using folder = tempFolder();
    const { db, lock } = running(folder);
    let screen = "";
    let wake: (() => void) | undefined;
    const decoder = new TextDecoder();
    const child = Bun.spawn(cliCommand("status", "--watch"), {
      cwd: folder.path,
      env: { ...process.env, NO_COLOR: "1", TERM: "xterm" },
      terminal: {
        cols: 60,
        rows: 8,
        data(_, data) {
          screen += decoder.decode(data, { stream: true });
          wake?.();
        },
      },
    });
    const until = async (part: string): Promise<void> => {
      while (!screen.includes(part)) {
        const next = Promise.withResolvers<void>();
        wake = next.resolve;
        await next.promise;
      }
    };
    await until("1 task: 1 running");
    finish(db);
    lock.release();
    await until("1 task: 1 done");
    child.terminal?.write(key);
    expect(await child.exited).toBe(code);
    await until("\x1b[?1049l");
    expect(screen).toContain("\x1b[?1049h\x1b[?25l");
    expect(screen).toEndWith("\x1b[?25h\x1b[?1049l");
    child.terminal?.close();
    db.close(true);
  });
});
