import type { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";

import { type RunId, runId, taskId } from "../../../src/protocol/ids.ts";
import type { RunRequest } from "../../../src/protocol/run-request.ts";
import { noReruns, type RerunRequest } from "../../../src/protocol/reruns.ts";
import { openDatabase } from "../../../src/store/open-database.ts";
import { restoredPages } from "../../../src/store/write/earlier-sessions.ts";
import { CodeWantedError, prepareRun } from "../../../src/store/write/prepare-run.ts";
import { SqliteHistory } from "../../../src/store/write/sqlite-history.ts";
import { tasksIn } from "../../support/restored.ts";
import { options, request, storedRun, storeError } from "./options.ts";
import { setDone, taskRow } from "./task-rows.ts";
import { tempFolder } from "./temp-folder.ts";

const tasks = ["list", "load", "report"];
const asked = (code: string, reruns: Partial<RerunRequest> = {}): RunRequest =>
  request({ tasks, code, reruns: { ...noReruns, ...reruns } });
const codeOf = (versions: Record<string, string>): ReadonlyMap<string, string> =>
  new Map(tasks.map((name) => [name, versions[name] ?? "1"]));

type Session = { readonly id: RunId; end(): void };

/** A run whose first session did what `rows` says, with code "1" of each task, and died. */
class DeadRun implements Disposable {
  readonly #folder = tempFolder();
  readonly path = this.#folder.file("a.db");
  readonly db: Database = openDatabase(options(this.path));

  constructor(rows: readonly string[] = [], repeats: readonly string[] = []) {
    const first = this.begin(asked("m1"));
    for (const row of rows) {
      this.db.run(
        `INSERT INTO task_runs (run_id, started_at, id, name, key, status, cursor, attempt, result, error) VALUES (1, '2026-11-05T08:00:00.000Z', ${row})`,
      );
    }
    using history = this.#history(first.id);
    history.setCode(codeOf({}), []);
    for (const name of repeats) history.setRepeats(name);
    history.flush();
    first.end();
  }

  #history(id: RunId): SqliteHistory & Disposable {
    const history = new SqliteHistory(storedRun(this.db, id, this.path));
    return Object.assign(history, { [Symbol.dispose]: () => history.close() });
  }

  /** A session whose process dies at `end`. */
  begin(of: RunRequest, code?: ReadonlyMap<string, string>) {
    const known = code && { code, parts: [] };
    const run = prepareRun(this.db, options(this.path), of, 1_800_000_000_000, known);
    return { ...run, end: () => run.lock.release() } satisfies Session;
  }

  /** Continues the run, and dies. */
  continue(versions: Record<string, string>, reruns: Partial<RerunRequest> = {}) {
    const run = this.begin(asked("m2", reruns), codeOf(versions));
    run.end();
    return run;
  }

  /** `id status` of each task; `again` where it is to run from its beginning although it had begun. */
  get tasks(): string[] {
    return [...restoredPages(storedRun(this.db, runId(1), this.path))]
      .flatMap(tasksIn)
      .map(({ id, status, isOutdated, cursor }) =>
        [id, isOutdated === true ? "again" : status, ...(cursor === null ? [] : [cursor])].join(
          " ",
        ),
      );
  }

  get rows(): unknown[] {
    return this.db.query("SELECT * FROM task_runs ORDER BY id").values();
  }

  [Symbol.dispose](): void {
    this.db.close(true);
    this.#folder[Symbol.dispose]();
  }
}

const someDone = [
  "1, 'list', 'list:0a', 'done', NULL, 1, '[1]', NULL",
  "2, 'day 1', 'load:1b', 'done', '9', 1, '7', NULL",
  "3, 'day 2', 'load:2c', 'running', '5', 1, NULL, NULL",
  `4, 'report', 'report:3d', 'error', NULL, 2, NULL, '{"name":"E","message":"down"}'`,
];

describe("what has ended runs again where its code has changed", () => {
  const cases: [string, Record<string, string>, Partial<RerunRequest>, string[], unknown[]][] = [
    ["nothing changed", {}, {}, ["1 done", "2 done", "3 open 5", "4 failed"], []],
    [
      "one changed: its checkpoints are of other code",
      { load: "2" },
      {},
      ["1 done", "2 again", "3 again", "4 failed"],
      [{ task: "load", reason: "code", isKept: false, count: 2 }],
    ],
    [
      "what failed runs again by itself, and is not counted",
      { report: "2" },
      {},
      ["1 done", "2 done", "3 open 5", "4 again"],
      [],
    ],
    [
      "kept",
      { load: "2" },
      { keep: ["load"] },
      ["1 done", "2 done", "3 open 5", "4 failed"],
      [{ task: "load", reason: "code", isKept: true, count: 2 }],
    ],
    [
      "kept, and not changed",
      {},
      { keep: ["load"] },
      ["1 done", "2 done", "3 open 5", "4 failed"],
      [],
    ],
    [
      "asked for",
      {},
      { rerun: ["load"] },
      ["1 done", "2 again", "3 again", "4 failed"],
      [{ task: "load", reason: "asked", isKept: false, count: 2 }],
    ],
    [
      "those that failed",
      {},
      { failed: true },
      ["1 done", "2 done", "3 open 5", "4 again"],
      [{ task: "report", reason: "asked", isKept: false, count: 1 }],
    ],
  ];
  test.each(cases)("%s", (_, versions, reruns, expected, said) => {
    using run = new DeadRun(someDone);
    const session = run.continue(versions, reruns);
    expect(run.tasks).toEqual(expected);
    expect(session.reruns as unknown[]).toEqual(said);
    expect(session.otherCode).toBe(false);
    expect(session.alreadyDone).toBe(expected.filter((task) => task.includes("done")).length);
  });

  test("a rerun that was cut short goes on in the next session, without being asked for again", () => {
    using run = new DeadRun(someDone, ["load"]);
    run.continue({}, { rerun: ["load"] });
    expect(run.continue({}).reruns).toEqual([
      { task: "load", reason: "asked", isKept: false, count: 1 },
    ]);
    expect(run.tasks).toEqual(["1 done", "2 again", "3 again", "4 failed"]);
  });

  test("an edit that is undone before the task has run again", () => {
    using run = new DeadRun(someDone);
    run.continue({ list: "2" });
    expect(run.tasks[0]).toBe("1 again");
    run.continue({ list: "3" });
    expect(run.tasks[0]).toBe("1 again");
    expect(run.continue({}).reruns).toEqual([]);
    expect(run.tasks[0]).toBe("1 done");
  });

  test("a task whose checkpoint was dropped keeps its id, also if sessions end before it begins", () => {
    using run = new DeadRun(someDone);
    run.continue({ load: "2" });
    run.continue({});
    const skips = run.begin(asked("m2"), codeOf({}));
    const history = new SqliteHistory(storedRun(run.db, skips.id, run.path));
    const task = { id: taskId(3), name: "day 2", key: "load:2c" };
    history.setTask(taskRow({ ...task, status: "skipped", attempt: 0, finishedAt: 1 }));
    history.flush();
    history.close();
    skips.end();
    run.continue({});
    run.continue({});
    expect(run.tasks).toEqual(["1 done", "2 done", "3 open", "4 failed"]);
  });

  test("what was kept is kept until the code changes again", () => {
    using run = new DeadRun(someDone);
    run.continue({ list: "2" }, { keep: ["list"] });
    expect(run.continue({ list: "2" }).reruns).toEqual([]);
    run.continue({ list: "3" });
    expect(run.tasks[0]).toBe("1 again");
  });

  test("what failed runs again as asked, also of a task whose results are kept, whatever was marked before", () => {
    using run = new DeadRun(someDone);
    const both = { keep: ["load"], failed: true };
    run.continue({ load: "2" }, both);
    const alone = run.tasks;
    using marked = new DeadRun(someDone);
    marked.continue({ list: "2" });
    marked.continue({ list: "2", load: "2" }, both);
    expect(marked.tasks.slice(1)).toEqual(alone.slice(1));
    expect(alone.at(-1)).toBe("4 again");
  });

  test("a task that has run again is of the new code", () => {
    using run = new DeadRun(someDone);
    const again = run.begin(asked("m2"), codeOf({ list: "2" }));
    const history = new SqliteHistory(storedRun(run.db, again.id, run.path));
    const task = { id: taskId(1), name: "list", key: "list:0a" };
    setDone(history, { ...task, startedAt: 0, finishedAt: 1, result: "[2]" });
    history.flush();
    history.close();
    again.end();
    expect(run.continue({ list: "2" }).reruns).toEqual([]);
    expect(run.tasks[0]).toBe("1 done");
  });

  test("a session that died before its fingerprints were known: the whole module counts", () => {
    using run = new DeadRun(someDone);
    run.db.run("UPDATE pipeloom_definitions SET fingerprint = 'module:m1'");
    const same = run.begin(asked("m1"), codeOf({}));
    same.end();
    expect(same.reruns).toEqual([]);
    run.db.run("UPDATE pipeloom_definitions SET fingerprint = 'module:m1'");
    expect(run.continue({}).reruns.map(({ task }) => task)).toEqual(["list", "load"]);
  });

  test("the fingerprints are asked for before anything is written", () => {
    using run = new DeadRun(someDone);
    const before = run.rows;
    expect(() => run.begin(asked("m2"))).toThrow(CodeWantedError);
    expect(run.rows).toEqual(before);
  });
});

describe("a changed task that has inserted rows", () => {
  test("leaves the choice, and nothing is written", () => {
    using run = new DeadRun(someDone, ["load", "report"]);
    const before = run.rows;
    const error = storeError(() => run.continue({ load: "2", list: "2" }));
    expect(error.code).toBe("would-repeat");
    expect(error.message).toContain("--rerun load");
    expect(error.message).toContain("--keep load");
    expect(run.rows).toEqual(before);
    expect(run.continue({ load: "2", list: "2" }, { rerun: ["load"] }).reruns).toEqual([
      { task: "list", reason: "code", isKept: false, count: 1 },
      { task: "load", reason: "asked", isKept: false, count: 2 },
    ]);
  });

  test("leaves the choice also where --rerun failed has marked it: the task goes on from its checkpoint", () => {
    const failed = `1, 'day 1', 'load:1b', 'error', '5', 2, NULL, '{"name":"E","message":"down"}'`;
    using run = new DeadRun([failed], ["load"]);
    run.continue({}, { failed: true });
    const before = run.rows;
    expect(storeError(() => run.continue({ load: "2" })).code).toBe("would-repeat");
    expect(run.rows).toEqual(before);
    expect(run.continue({}).reruns).toMatchObject([{ task: "load", reason: "asked" }]);
    expect(run.tasks).toEqual(["1 again 5"]);
  });

  test("and has left nothing in the file runs again without a question", () => {
    using run = new DeadRun(someDone, ["report"]);
    expect(run.continue({ report: "2" }).reruns).toEqual([]);
  });
});

describe("what is asked for and is not there", () => {
  test("results to keep, where a new run would start", () => {
    using run = new DeadRun();
    run.db.run("UPDATE pipeline_runs SET status = 'done'");
    const { code, message } = storeError(() => run.continue({}, { keep: ["load"] }));
    expect(code).toBe("nothing-to-keep");
    expect(message).toContain("--resume <id>");
  });

  test("failed tasks of a run that is done", () => {
    using run = new DeadRun(someDone.slice(0, 2));
    run.db.run("UPDATE pipeline_runs SET status = 'done'");
    const of = { ...asked("m1", { failed: true }), resume: "newest" } as const;
    expect(storeError(() => run.begin(of, codeOf({}))).code).toBe("nothing-to-rerun");
  });

  test("a task that a run that is done never had", () => {
    using run = new DeadRun(someDone.slice(0, 2));
    run.db.run("UPDATE pipeline_runs SET status = 'done'");
    const of = { ...asked("m1", { rerun: ["report"] }), resume: "newest" } as const;
    expect(storeError(() => run.begin(of, codeOf({}))).message).toContain("it has list, load");
  });
});

const definitions = (run: DeadRun): unknown[] =>
  run.db
    .query("SELECT name, fingerprint, repeats FROM pipeloom_definitions ORDER BY name")
    .values();

describe("changes while the run goes on", () => {
  test("a new run has the module's hash until its fingerprints are known", () => {
    using run = new DeadRun();
    run.db.run("UPDATE pipeline_runs SET status = 'done'");
    run.db.run("DELETE FROM pipeloom_definitions");
    run.begin(asked("m7")).end();
    expect(definitions(run)).toEqual(tasks.map((name) => [name, "module:m7", 0]));
  });

  test("a commit that fails loses neither the fingerprints nor that rows were inserted", () => {
    using run = new DeadRun();
    const history = new SqliteHistory(storedRun(run.db, runId(1), run.path));
    run.db.run("BEGIN");
    history.setCode(codeOf({ list: "new" }), []);
    history.setRepeats("load");
    history.flush();
    run.db.run("ROLLBACK");
    history.discard();
    history.setRepeats("load");
    expect(history.isEmpty).toBe(false);
    history.flush();
    history.close();
    expect(definitions(run)).toEqual([
      ["list", "new", 0],
      ["load", "1", 1],
      ["report", "1", 0],
    ]);
  });
});
