import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { runId, unknownPosition } from "../../../src/protocol/ids.ts";
import type { RunRequest } from "../../../src/protocol/run-request.ts";
import { isLockHeld, type RunLock } from "../../../src/store/lock.ts";
import { openDatabase } from "../../../src/store/open-database.ts";
import { refuseIfAlive } from "../../../src/store/read/find-run.ts";
import { prepareRun, type PreparedRun } from "../../../src/store/write/prepare-run.ts";
import { restoredPages } from "../../../src/store/write/earlier-sessions.ts";
import { tasksIn } from "../../support/restored.ts";
import { type Child, startChild } from "./child.ts";
import { acquireRunLock, options, request, storeError, storedRun } from "./options.ts";
import { tempFolder, type TempFolder } from "./temp-folder.ts";

type Past = Partial<{
  pipeline: string;
  file: string | null;
  params: string;
  status: string;
  alive: boolean;
}>;

/** A database with the runs of `past`, numbered from 1, and what is needed to begin another. */
class Bench implements Disposable {
  readonly path: string;
  readonly db: Database;
  readonly #locks: RunLock[] = [];

  constructor(folder: TempFolder, past: readonly Past[]) {
    this.path = folder.file("a.db");
    this.db = openDatabase(options(this.path));
    for (const [i, run] of past.entries()) {
      const { pipeline, file, params } = { ...request(), ...run };
      this.db.run(
        "INSERT INTO pipeline_runs (id, pipeline, file, params, status, started_at, pid) VALUES (?, ?, ?, ?, ?, '2026-01-01T00:00:00.000Z', 77)",
        [i + 1, pipeline, file, params, run.status ?? "running"],
      );
      if (run.alive === true) this.#locks.push(acquireRunLock(this.path, runId(i + 1)));
    }
  }

  prepare(more: Partial<RunRequest> = {}): PreparedRun {
    const run = prepareRun(this.db, options(this.path), request(more), 1_800_000_000_000);
    this.#locks.push(run.lock);
    return run;
  }

  row(id: number): unknown {
    return this.db.query("SELECT * FROM pipeline_runs WHERE id = ?").get(id);
  }

  /** The runs that were begun here are dead: their locks are free, and their processes are gone. */
  die(): void {
    for (const lock of this.#locks.splice(0)) lock.release();
  }

  [Symbol.dispose](): void {
    this.die();
    this.db.close(true);
  }
}

describe("a new run says which interrupted run it does not continue", () => {
  const cases: [string, Past[], Partial<RunRequest>, PreparedRun["passedOver"]][] = [
    ["one with other params", [{ params: '{"n":5}' }], {}, { run: runId(1), params: '{"n":5}' }],
    [
      "long params are cut",
      [{ params: JSON.stringify("x".repeat(1000)) }],
      {},
      { run: runId(1), params: `"${"x".repeat(298)}…` },
    ],
    [
      "one whose params look the same",
      [{ params: '{"token":"***"}' }],
      { params: '{"token":"***"}' },
      { run: runId(1), params: null },
    ],
    ["the newest", [{ params: "{}" }, { params: "[]" }], {}, { run: runId(2), params: "[]" }],
    ["not one before a run that ended", [{ params: "{}" }, { status: "done" }], {}, undefined],
    ["not one that is alive", [{ params: "{}", alive: true }], {}, undefined],
    ["not one of another file", [{ params: "{}", file: "/elsewhere/etl.ts" }], {}, undefined],
    ["not where a new run is asked for", [{ params: "{}" }], { resume: "fresh" }, undefined],
    ["not where it is continued", [{}], {}, undefined],
  ];
  test.each(cases)("%s", (_, past, more, expected) => {
    using folder = tempFolder();
    using bench = new Bench(folder, past);
    expect(bench.prepare(more).passedOver).toEqual(expected);
  });
});

describe("which run it is", () => {
  const last = "last" as const;
  const cases: [string, Past[], Partial<RunRequest>, [id: number, resumed: boolean] | string][] = [
    ["the first", [], {}, [1, false]],
    ["auto: a dead one", [{}], {}, [1, true]],
    ["auto: the newest dead one", [{}, {}], {}, [2, true]],
    ["auto: one that is alive", [{ alive: true }], {}, "run-alive"],
    [
      "auto: one that is alive, under one that ended",
      [{ alive: true }, { status: "done" }],
      {},
      "run-alive",
    ],
    ["auto: a dead one beside one that is alive", [{}, { alive: true }], {}, "run-alive"],
    ["auto: one that is alive with other params", [{ alive: true, params: "{}" }], {}, [2, false]],
    [
      "auto: a dead one of version 1 with a secret",
      [{ params: '{"token":"***"}' }],
      { params: '{"token":"***"}' },
      [2, false],
    ],
    ["fresh: beside one that is alive", [{ alive: true }], { resume: "fresh" }, [2, false]],
    ["auto: not one that is done", [{ status: "done" }], {}, [2, false]],
    ["auto: not one that failed", [{ status: "error" }], {}, [2, false]],
    ["auto: not one that was cancelled", [{ status: "cancelled" }], {}, [2, false]],
    ["auto: not one that was started afresh over", [{}, { status: "done" }], {}, [3, false]],
    ["auto: other params", [{ params: "{}" }], {}, [2, false]],
    ["auto: another file", [{ file: "/elsewhere/etl.ts" }], {}, [2, false]],
    ["auto: another pipeline", [{ pipeline: "users" }], {}, [2, false]],
    ["auto: a dead one under newer ones of another", [{}, { pipeline: "users" }], {}, [1, true]],
    ["auto: a pipeline that came as a value", [{ file: null }], { file: null }, [1, true]],
    ["fresh: never", [{}], { resume: "fresh" }, [2, false]],
    ["last: a dead one", [{}], { resume: last }, [1, true]],
    ["last: a failed one", [{ status: "error" }], { resume: last }, [1, true]],
    [
      "last: a cancelled one",
      [{ status: "cancelled" }, { status: "done" }],
      { resume: last },
      [1, true],
    ],
    ["last: from another folder", [{ file: "/x.ts" }], { resume: last }, [1, true]],
    ["last: with other params", [{ params: "{}" }], { resume: last }, "other-params"],
    ["last: the one with the same params", [{}, { params: "{}" }], { resume: last }, [1, true]],
    [
      "last: a dead one of version 1 with a secret",
      [{ params: '{"token":"***"}' }],
      { params: '{"token":"***"}', resume: last },
      [1, true],
    ],
    ["an id: with other params", [{ params: "{}" }], { resume: runId(1) }, "other-params"],
    ["last: none", [{ status: "done" }], { resume: last }, "no-such-run"],
    ["last: only one that is alive", [{ alive: true }], { resume: last }, "run-alive"],
    ["newest: one that is done", [{}, { status: "done" }], { resume: "newest" }, [2, true]],
    ["newest: with other params", [{ params: "{}" }], { resume: "newest" }, "other-params"],
    ["newest: none", [], { resume: "newest" }, "no-such-run"],
    ["newest: only one that is alive", [{ alive: true }], { resume: "newest" }, "run-alive"],
    ["an id: a dead one", [{}, { status: "done" }], { resume: runId(1) }, [1, true]],
    ["an id: one that is done", [{ status: "done" }], { resume: runId(1) }, [1, true]],
    ["an id: one that is not there", [{}], { resume: runId(9) }, "no-such-run"],
    ["an id: of another pipeline", [{ pipeline: "users" }], { resume: runId(1) }, "wrong-pipeline"],
    ["an id: one that is alive", [{ alive: true }], { resume: runId(1) }, "run-alive"],
  ];
  test.each(cases)("%s", (_, past, more, expected) => {
    using folder = tempFolder();
    using bench = new Bench(folder, past);
    if (typeof expected === "string") {
      const error = storeError(() => bench.prepare(more));
      expect(error.code as string).toBe(expected);
      expect(error.message).toContain(bench.path);
      return;
    }
    const run = bench.prepare(more);
    expect([run.id as number, run.resumed]).toEqual(expected);
    expect(isLockHeld(bench.path, run.id)).toBe(true);
  });
});

test("a new run's row", () => {
  using folder = tempFolder();
  using bench = new Bench(folder, []);
  const run = bench.prepare({ file: null });
  expect(run).toMatchObject({ startedAt: 1_800_000_000_000, alreadyDone: 0 });
  expect(bench.row(1)).toMatchObject({
    pipeline: "posts",
    file: null,
    params: '{"limit":3}',
    status: "running",
    started_at: "2027-01-15T08:00:00.000Z",
    finished_at: null,
    pid: process.pid,
  });
});

test("a continued run keeps when it began, and loses how it ended", () => {
  using folder = tempFolder();
  using bench = new Bench(folder, [{ status: "error" }]);
  bench.db.run("UPDATE pipeline_runs SET error = '{}', finished_at = 'then', tasks_total = 9");
  const run = bench.prepare({ resume: "last" });
  expect(run.startedAt).toBe(Date.parse("2026-01-01T00:00:00.000Z"));
  expect(bench.row(1)).toMatchObject({
    status: "running",
    params: '{"limit":3}',
    started_at: "2026-01-01T00:00:00.000Z",
    finished_at: null,
    error: null,
    tasks_total: 9,
    pid: process.pid,
  });
});

test("a dead run that another took the place of is cancelled, and can be continued by its id", () => {
  using folder = tempFolder();
  using bench = new Bench(folder, [{}, { params: "{}" }, { file: null }, { alive: true }]);
  bench.db.run(
    "INSERT INTO task_runs (run_id, id, name, key, status, attempt) VALUES (1, 1, 'a', 'a', 'running', 2), (1, 2, 'b', 'b', 'queued', 0), (4, 1, 'a', 'a', 'running', 1)",
  );
  expect(bench.prepare({ resume: "fresh" }).id).toBe(runId(5));
  const statuses = (sql: string): unknown[] => bench.db.query(sql).values().flat();
  expect(statuses("SELECT status FROM pipeline_runs ORDER BY id")).toEqual([
    "cancelled",
    "running",
    "running",
    "running",
    "running",
  ]);
  expect(bench.row(1)).toMatchObject({
    finished_at: null,
    error: expect.stringContaining("its process ended before it did, and run 5 took its place"),
  });
  expect(statuses("SELECT status FROM task_runs ORDER BY run_id, id")).toEqual([
    "cancelled",
    "queued",
    "running",
  ]);
  expect(bench.prepare({ resume: runId(1) })).toMatchObject({ id: 1, resumed: true });
});

test("the tasks of a continued run: done with results, begun ones with attempt and cursor", () => {
  using folder = tempFolder();
  using bench = new Bench(folder, [{}, {}]);
  const insert = bench.db.query(
    "INSERT INTO task_runs (run_id, id, name, key, status, attempt, cursor, result) VALUES (?, ?, 't', ?, ?, ?, ?, ?)",
  );
  const failure = JSON.stringify({ name: "Error", message: "down" });
  insert.run(1, 1, "other run", "done", 1, null, "0");
  insert.run(2, 1, "t:a", "done", 2, '"c"', "[1]");
  insert.run(2, 2, "t:b", "running", 3, '"page 7"', null);
  insert.run(2, 4, "t:c", "error", 4, null, null);
  insert.run(2, 7, "t:d", "queued", 0, null, null);
  insert.run(2, 9, "t:e", "skipped", 0, null, null);
  insert.run(2, 11, "t:f", "skipped", 0, '"page 2"', null);
  bench.db.run("UPDATE task_runs SET error = ? WHERE status = 'error'", [failure]);
  insert.run(2, 12, "t:g", "cancelled", 1, null, null);
  insert.run(2, 13, "t:h", "skipped", 1, null, "[7]");
  bench.db.run("UPDATE task_runs SET error = ? WHERE id = 13", [failure]);
  const run = bench.prepare();
  expect(run.alreadyDone).toBe(1);
  for (const pageSize of [1, 2, 5, 100]) {
    expect(
      [...restoredPages(storedRun(bench.db, run.id), pageSize)]
        .flatMap(tasksIn)
        .map((task) => Object.values(task)),
    ).toEqual([
      [1, "t:a", "done", 1, "[1]", null, unknownPosition],
      // Interrupted, not failed: the attempt does not count, and its checkpoint does.
      [2, "t:b", "open", 2, null, '"page 7"', unknownPosition, "t"],
      // What never began is not known.
      [4, "t:c", "failed", 4, failure, null, unknownPosition, "t"],
      // Its rows up to the cursor are committed, and the session after that did not plan it.
      [11, "t:f", "open", 0, null, '"page 2"', unknownPosition, "t"],
      // All its attempts again.
      [12, "t:g", "open", 0, null, null, unknownPosition, "t"],
      // Done, and the session after that did not plan it: not counted, and there if it comes back.
      [13, "t:h", "done", 1, "[7]", null, unknownPosition],
    ]);
  }
  expect(bench.db.query("SELECT status, error FROM task_runs WHERE id = 13").values()).toEqual([
    ["done", null],
  ]);
  expect(bench.db.query("SELECT id FROM task_runs WHERE status = 'running'").values()).toEqual([]);
});

test("runs are told apart by their secrets too, which the file does not show", () => {
  using folder = tempFolder();
  using bench = new Bench(folder, []);
  const alpha = { params: '{"token":"***"}', canonicalParams: '{"token":"alpha-alpha"}' };
  const beta = { ...alpha, canonicalParams: '{"token":"beta-beta"}' };
  expect(bench.prepare(alpha)).toMatchObject({ id: 1, resumed: false });
  bench.die();
  expect(bench.prepare(beta)).toMatchObject({ id: 2, resumed: false });
  bench.die();
  expect(bench.prepare(alpha)).toMatchObject({ id: 1, resumed: true });
  bench.die();
  expect(storeError(() => bench.prepare({ ...beta, resume: runId(1) }))).toEqual({
    code: "other-params",
    message: expect.stringContaining('{"token":"***"} too, and they differ in a secret'),
  });
  expect(JSON.stringify([bench.row(1), bench.row(2)])).not.toMatch(/alpha|beta/);
});

test("a resume with other params names both", () => {
  using folder = tempFolder();
  using bench = new Bench(folder, [{ params: '{"limit":7}' }]);
  const { message } = storeError(() => bench.prepare({ resume: "last" }));
  expect(message).toContain('has the params {"limit":7}');
  expect(message).toContain('has the params {"limit":3}');
});

test.each(["0", "-1", "9223372036854775807"])("a run whose id is %s", (id) => {
  using folder = tempFolder();
  using bench = new Bench(folder, [{}, {}]);
  bench.db.run(`UPDATE pipeline_runs SET id = ${id} WHERE id = 1`);
  for (const resume of ["auto", "last"] as const) {
    expect(storeError(() => bench.prepare({ resume })).message).toContain(
      'is damaged: the id of a run of "posts" cannot be read',
    );
  }
  expect(Number(bench.prepare({ resume: "fresh" }).id)).toBe(3);
  expect(Number(bench.prepare({ pipeline: "another" }).id)).toBe(4);
});

test("a living run is refused while the file is only read", () => {
  using folder = tempFolder();
  using bench = new Bench(folder, [{ alive: true }]);
  using reader = new Database(bench.path, { readonly: true });
  const writer = options(bench.path);
  const error = storeError(() => refuseIfAlive(reader, writer, request()));
  expect(error.code).toBe("run-alive");
  expect(error.message).toContain('run 1 of "posts"');
  expect(error.message).toContain("pid 77");
  refuseIfAlive(reader, writer, request({ resume: "fresh" }));
  refuseIfAlive(reader, { ...writer, storeTaskStatus: false }, request());
});

test("without stored status there is no history", () => {
  using folder = tempFolder();
  const writer = options(folder.file("a.db"), { storeTaskStatus: false });
  using db = openDatabase(writer);
  for (const resume of ["auto", "fresh"] as const) {
    expect(prepareRun(db, writer, request({ resume }), 0)).toMatchObject({ id: 1, resumed: false });
  }
  expect(storeError(() => prepareRun(db, writer, request({ resume: "last" }), 0)).code).toBe(
    "no-history",
  );
  expect(folder.list()).not.toContain("a.db-run1.lock");
});

test("an id whose lock is held by the run of a deleted database is passed over", () => {
  using folder = tempFolder();
  const old = acquireRunLock(folder.file("a.db"), runId(1));
  using bench = new Bench(folder, []);
  expect(bench.prepare().id).toBe(runId(2));
  old.release();
});

const start = (path: string, resume = "auto"): Promise<Child> =>
  startChild(join(import.meta.dir, "run-child.ts"), path, resume);

describe("processes", () => {
  test("a killed run is continued by the next, and its tasks wait again", async () => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    await using first = await start(path);
    expect(first.answer).toBe("1 false");
    await using refused = await start(path);
    expect(refused.answer).toBe("run-alive");
    await using beside = await start(path, "fresh");
    expect(beside.answer).toBe("2 false");
    await beside.kill();
    await first.kill();
    // The newest dead one, and only that.
    await using second = await start(path);
    expect(second.answer).toBe("2 true");
    await using third = await start(path);
    expect(third.answer).toBe("run-alive");
  });

  test("of several that start at once, one continues the dead run", async () => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    await using dead = await start(path);
    await dead.kill();
    await using stack = new AsyncDisposableStack();
    const all = await Promise.all([start(path), start(path), start(path)]);
    for (const child of all) stack.use(child);
    expect(all.map(({ answer }) => answer).toSorted()).toEqual([
      "1 true",
      "run-alive",
      "run-alive",
    ]);
  });

  test("a dead run that nobody continues leaves no file behind, nor one that died when its end was stored", async () => {
    using folder = tempFolder();
    const path = folder.file("a.db");
    await using dead = await start(path);
    await dead.kill();
    await using ended = await start(path, "fresh");
    using db = new Database(path);
    db.run("UPDATE pipeline_runs SET status = 'done' WHERE id = 2");
    await ended.kill();
    const control = folder.file("a.db-run2.control");
    for (const name of [control, folder.file("a.db-run7.locked")]) writeFileSync(name, "");
    await using alive = await start(path, "fresh");
    expect(alive.answer).toBe("3 false");
    const left = (): string[] =>
      folder
        .list()
        .filter((name) => name.includes("-run"))
        .toSorted();
    expect(left()).toEqual(["a.db-run3.lock", "a.db-run7.locked"]);
    // What cannot be removed is no obstacle.
    mkdirSync(control);
    await using next = await start(path, "fresh");
    expect(next.answer).toBe("4 false");
    expect(left()).toContain("a.db-run3.lock");
  });
});

const rows = ({ db }: Bench): unknown => db.query("SELECT x FROM t").values();

describe("the schema", () => {
  const reload = "DROP TABLE IF EXISTS t; CREATE TABLE t (x); CREATE TABLE IF NOT EXISTS u (x)";
  test("begins a run, and leaves the rows of one that continues", () => {
    using folder = tempFolder();
    using bench = new Bench(folder, []);
    bench.prepare({ schema: reload });
    bench.db.run("INSERT INTO t VALUES (1); DROP TABLE u");
    bench.die();
    const { resumed, leftOut } = bench.prepare({ schema: reload });
    expect([resumed, leftOut.map(({ number }) => number), rows(bench)]).toEqual([
      true,
      [1, 2],
      [[1]],
    ]);
    expect(bench.db.query("SELECT * FROM u").values()).toEqual([]);
    bench.die();
    expect(bench.prepare({ schema: reload, resume: "fresh" }).leftOut).toEqual([]);
    expect(rows(bench)).toEqual([]);
  });

  test("changes nothing where the request is refused, or its own last statement fails", () => {
    using folder = tempFolder();
    using bench = new Bench(folder, [{ alive: true }]);
    bench.db.run("CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    expect(storeError(() => bench.prepare({ schema: reload })).code).toBe("run-alive");
    expect(() => bench.prepare({ schema: `${reload}; nonsense`, resume: "fresh" })).toThrow(
      "schema: statement 4 (nonsense)",
    );
    expect(rows(bench)).toEqual([[1]]);
    expect(bench.row(2)).toBeNull();
    expect(isLockHeld(bench.path, runId(2))).toBe(false);
  });

  test("of a run without history always begins it", () => {
    using folder = tempFolder();
    using db = openDatabase({ ...options(folder.file("a.db")), storeTaskStatus: false });
    const bare = { ...options(folder.file("a.db")), storeTaskStatus: false };
    for (let session = 0; session < 2; session++) {
      expect(prepareRun(db, bare, request({ schema: reload }), 0).leftOut).toEqual([]);
      expect(db.query("SELECT x FROM t").values()).toEqual([]);
      db.run("INSERT INTO t VALUES (1)");
    }
  });
});
