import type { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";

import { logJson, logText } from "../../src/commands/logs-view.ts";
import { paletteOf } from "../../src/base/palette.ts";
import { localTime } from "../../src/base/relative-time.ts";
import { runId } from "../../src/protocol/ids.ts";
import { openDatabase } from "../../src/store/open-database.ts";
import type { LogRow } from "../../src/store/read/task-logs.ts";
import { unicodeGlyphs } from "../../src/terminal/glyphs.ts";
import { acquireRunLock, options } from "../store/write/options.ts";
import { tempFolder, type TempFolder } from "../store/write/temp-folder.ts";
import { cliCommand, pipeloom } from "./pipeloom.ts";

const at = "2026-01-01T00:00:00.000Z";
const row: LogRow = {
  run: runId(2),
  id: 4,
  task: "load",
  label: null,
  attempt: 1,
  at,
  level: "info",
  line: "fetched",
};

function addLog(db: Database, run: number, id: number, level: string, line: string): void {
  db.query("INSERT INTO task_logs VALUES (?, ?, 1, ?, ?, ?)").run(run, id, at, level, line);
}

function addTask(db: Database, run: number, id: number, name: string, key = "k"): void {
  db.query(
    "INSERT INTO task_runs (run_id, id, name, key, status) VALUES (?, ?, ?, ?, 'running')",
  ).run(run, id, name, key);
}

/** A task of the definition `page`, with a name of its own and a line in its log. */
function addPage(db: Database, run: number, id: number): void {
  addTask(db, run, id, `page-${id}`, `page:${id}`);
  addLog(db, run, id, "info", `page ${id}`);
}

const addDefinition = (db: Database, run: number, name: string): void =>
  void db.run("INSERT INTO pipeloom_definitions VALUES (?, ?, 'a', 0, '{}', NULL, NULL, NULL)", [
    run,
    name,
  ]);

/** Run 1: one task. Run 2: `load` twice and `report`. */
function filled(): TempFolder {
  const folder = tempFolder();
  using db = openDatabase(options(folder.file("pipeloom.db")));
  for (const run of [1, 2]) {
    db.query(
      "INSERT INTO pipeline_runs (id, pipeline, params, status, started_at) VALUES (?, 'posts', '{}', 'done', ?)",
    ).run(run, at);
  }
  const task = db.query(
    "INSERT INTO task_runs (run_id, id, name, key, status) VALUES (?, ?, ?, 'k', 'done')",
  );
  task.run(1, 1, "load");
  task.run(2, 1, "report");
  task.run(2, 2, "load");
  task.run(2, 3, "load");
  addLog(db, 1, 1, "info", "old");
  addLog(db, 2, 2, "info", "page 2");
  addLog(db, 2, 3, "debug", "deep");
  addLog(db, 2, 3, "warn", "page 3 is odd");
  addLog(db, 2, 1, "error", "no way");
  return folder;
}

const linesOf = (out: string): string[] =>
  out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as LogRow).line);

async function logs(folder: TempFolder, ...args: string[]): Promise<string[]> {
  const { out, code } = await pipeloom(folder.path, ["logs", "--json", ...args]);
  expect(code).toBe(0);
  return linesOf(out);
}

const text = (more: Partial<LogRow> = {}): string =>
  logText({ ...row, ...more }, { colors: paletteOf(0), glyphs: unicodeGlyphs });

describe("the view", () => {
  test("time, level, task, line", () => {
    const time = localTime(Date.parse(at));
    expect(text()).toBe(`${time} ℹ load #4: fetched\n`);
    expect(text({ level: "error", line: "a\nb" })).toBe(`${time} ✖ load #4: a\n│ b\n`);
    expect(text({ machine: "web1" })).toBe(`${time} ℹ load #4 on web1: fetched\n`);
  });

  test("control characters are shown, not obeyed", () => {
    expect(text({ task: "\x1b[2J", line: "\x07bell\r" }).trimEnd()).not.toMatch(/\p{Cc}/u);
  });

  test("as data", () => {
    expect(JSON.parse(logJson(row))).toEqual({ ...row });
  });
});

describe("the command", () => {
  const shown: [string, string[], string[]][] = [
    ["the last run", [], ["page 2", "page 3 is odd", "no way"]],
    ["another run", ["1"], ["old"]],
    ["all levels", ["--level", "debug"], ["page 2", "deep", "page 3 is odd", "no way"]],
    ["errors", ["--level", "error"], ["no way"]],
    ["a task of the last run", ["load"], ["page 2", "page 3 is odd"]],
    ["a task of a run", ["1", "load"], ["old"]],
    ["one task of several with its name", ["2", "#3"], ["page 3 is odd"]],
    ["lines that match", ["--grep", "^page \\d$"], ["page 2"]],
    ["the last lines, in the order of the file", ["-n", "2"], ["page 3 is odd", "no way"]],
  ];
  test.each(shown)("%s", async (_, args, lines) => {
    using folder = filled();
    expect(await logs(folder, ...args)).toEqual(lines);
  });

  const errors: [string, string[], number, string][] = [
    ["no such task", ["nope"], 1, "it has report, load"],
    ["no such run", ["9"], 1, "no run 9"],
    ["a run that is no number", ["x", "load"], 2, "whole number"],
    ["a pattern that is none", ["--grep", "("], 2, "regular expression"],
    ["a level that is none", ["--level", "loud"], 2, "debug"],
  ];
  test.each(errors)("%s", async (_, args, code, says) => {
    using folder = filled();
    const ended = await pipeloom(folder.path, ["logs", ...args]);
    expect({ code: ended.code, out: ended.out }).toEqual({ code, out: "" });
    expect(ended.err).toContain(says);
  });

  test("no line passes: it is said", async () => {
    using folder = filled();
    const { err, code } = await pipeloom(folder.path, ["logs", "1", "--level", "error"]);
    expect({ err, code }).toEqual({
      err: "run 1 has no such lines at level error and above; --level debug shows all levels\n",
      code: 0,
    });
  });

  test("--follow shows new lines until the run ends", async () => {
    using run = running(2);
    const { lines } = await run.follow(["-n", "1"], [(db) => addLog(db, 2, 2, "info", "new")]);
    expect(lines).toEqual(["no way", "new"]);
  });

  test("--follow shows tasks of a name that get their rows later", async () => {
    using run = running(2);
    const { lines } = await run.follow(
      ["-n", "1", "load"],
      [
        (db) => {
          addTask(db, 2, 4, "load");
          addTask(db, 2, 5, "else");
          addLog(db, 2, 5, "info", "of another");
          addLog(db, 2, 4, "info", "page 4");
        },
      ],
    );
    expect(lines).toEqual(["page 3 is odd", "page 4"]);
  });

  test("a definition whose many tasks have names of their own", async () => {
    using folder = filled();
    using db = openDatabase(options(folder.file("pipeloom.db")));
    addDefinition(db, 2, "page");
    db.transaction(() => {
      for (let id = 10; id < 1015; id++) addPage(db, 2, id);
    })();
    expect(await logs(folder, "2", "page", "-n", "2")).toEqual(["page 1013", "page 1014"]);
  });

  test("--follow shows tasks of a definition that have names of their own", async () => {
    using run = running(2, (db) => {
      addDefinition(db, 2, "page");
      addPage(db, 2, 10);
    });
    const { lines } = await run.follow(["page"], [(db) => addPage(db, 2, 11)]);
    expect(lines).toEqual(["page 10", "page 11"]);
  });

  const later: [string, string][] = [
    ["a name", "late"],
    ["an id", "#4"],
  ];
  test.each(later)("--follow waits for a task that has no row yet: %s", async (_, task) => {
    using run = running(2);
    const { lines, err, code } = await run.follow(
      [task],
      [
        (db) => {
          addTask(db, 2, 4, "late");
          addLog(db, 2, 4, "info", "here");
        },
      ],
    );
    expect({ lines, code }).toEqual({ lines: ["here"], code: 0 });
    expect(err).toBe(
      `run 2 has no task "${task}"; it has report, load\nwaiting for it until the run ends\n`,
    );
  });

  test("--follow: the run ends without such a task", async () => {
    using run = running(2);
    const { err, code } = await run.follow(["laod"], []);
    expect(code).toBe(1);
    expect(err).toEndWith('error: run 2 has no task "laod"; did you mean "load"?\n');
  });

  test("a continued run that is running is meant, and not a later one that has ended", async () => {
    using run = running(1);
    const { lines } = await run.follow([], [(db) => addLog(db, 1, 1, "info", "again")]);
    expect(lines).toEqual(["old", "again"]);
  });
});

/** `filled`, and the run goes through `steps`: one after each output of `logs --follow`, and at last it ends. */
function running(run: number, begun: (db: Database) => void = () => {}) {
  const folder = filled();
  const db = openDatabase(options(folder.file("pipeloom.db")));
  begun(db);
  db.run("UPDATE pipeline_runs SET status = 'running' WHERE id = ?", [run]);
  const lock = acquireRunLock(folder.file("pipeloom.db"), runId(run));
  const end = (): void =>
    void db.run("UPDATE pipeline_runs SET status = 'done' WHERE id = ?", [run]);

  async function follow(args: readonly string[], steps: ((db: Database) => void)[]) {
    await using child = Bun.spawn(cliCommand("logs", "--json", "-f", ...args), {
      cwd: folder.path,
      env: { ...process.env, NO_COLOR: "", FORCE_COLOR: "" },
      stdout: "pipe",
      stderr: "pipe",
    });
    const left = [...steps, end];
    const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> => {
      let all = "";
      for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
        all += chunk;
        left.shift()?.(db);
      }
      return all;
    };
    const [out, err] = await Promise.all([read(child.stdout), read(child.stderr)]);
    return { lines: linesOf(out), err, code: await child.exited };
  }

  return {
    follow,
    [Symbol.dispose]() {
      lock.release();
      db.close(true);
      folder[Symbol.dispose]();
    },
  };
}
