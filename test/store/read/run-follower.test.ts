import type { Database } from "bun:sqlite";
import { expect, test } from "bun:test";

import type { RunEvent } from "../../../src/protocol/events.ts";
import { runId } from "../../../src/protocol/ids.ts";
import { openDatabase } from "../../../src/store/open-database.ts";
import { openReader } from "../../../src/store/read/reader.ts";
import { RunFollower } from "../../../src/store/read/run-follower.ts";
import type { Told } from "../../../src/store/read/task-ends.ts";
import { options } from "../write/options.ts";
import { tempFolder } from "../write/temp-folder.ts";

const second = (n: number): string => `2026-01-01T00:00:0${n}.000Z`;
const at = second(0);

function follow(before: (db: Database) => void = () => undefined, told: Told = "failures") {
  const folder = tempFolder();
  const path = folder.file("a.db");
  const db = openDatabase(options(path));
  db.run(
    "INSERT INTO pipeline_runs (id, pipeline, params, status, started_at, tasks_total) VALUES (1, 'posts', '{}', 'running', ?, 9)",
    [at],
  );
  before(db);
  const reader = openReader(path);
  const follower = new RunFollower(reader, runId(1), told);
  return {
    db,
    follower,
    /** Short forms of the events since the last look. */
    look: (isLast = false): string[] => {
      const followed = follower.next(isLast);
      if (followed === undefined) return ["nothing"];
      return [...followed.events.map(shortly), ...followed.left.map((id) => `${id} left`)];
    },
    [Symbol.dispose]() {
      reader.close();
      db.close(true);
      folder[Symbol.dispose]();
    },
  };
}

function shortly(event: RunEvent): string {
  switch (event.type) {
    case "run-total":
      return `total ${event.total}`;
    case "task-started":
      return `${event.id} started, attempt ${event.attempt}`;
    case "task-progress":
      return `${event.id} ${event.progress} ${event.message ?? ""}`.trimEnd();
    case "task-log":
      return `${event.id} ${event.name}: ${event.line}`;
    case "task-finished":
      return `${event.id} ${event.status}${event.failure === undefined ? "" : `: ${event.failure.message}`}`;
    case "run-started":
    case "run-finished":
    case "run-reruns":
    case "task-again":
    case "task-checkpoint":
    case "task-retrying":
    case "task-slow":
      return event.type;
  }
}

const add = (db: Database, id: number, status: string, finishedAt = at): void =>
  void db.run(
    "INSERT INTO task_runs (run_id, id, name, key, status, attempt, started_at, finished_at) VALUES (1, ?, 'load', 'k', ?, 1, ?, ?)",
    [id, status, at, status === "running" ? null : finishedAt],
  );
const set = (db: Database, id: number, change: string): void =>
  void db.run(`UPDATE task_runs SET ${change} WHERE id = ?`, [id]);
const log = (db: Database, id: number, line: string): void =>
  void db.run("INSERT INTO task_logs VALUES (1, ?, 1, ?, 'info', ?)", [id, at, line]);

test("the run, and what runs at the first look", () => {
  using run = follow((db) => {
    add(db, 1, "running");
    add(db, 2, "done");
    set(db, 1, "progress = 0.5, message = 'half'");
    log(db, 1, "before");
  });
  expect(run.look()).toEqual(["total 9", "1 started, attempt 1", "1 0.5 half"]);
  expect(run.look()).toEqual(["nothing"]);
});

test("progress, logs and the end of a task", () => {
  using run = follow((db) => add(db, 1, "running"));
  run.look();
  set(run.db, 1, "progress = 0.25");
  log(run.db, 1, "fetched");
  expect(run.look()).toEqual(["1 0.25", "1 load: fetched"]);
  set(run.db, 1, "status = 'done', finished_at = started_at");
  expect(run.look()).toEqual(["1 done"]);
});

test("a failure is announced once, also of a task that never was seen running", () => {
  using run = follow((db) => {
    add(db, 1, "running");
    add(db, 2, "error");
  });
  run.look();
  set(
    run.db,
    1,
    `status = 'error', finished_at = started_at, error = '{"name":"Error","message":"no"}'`,
  );
  add(run.db, 3, "error");
  expect(run.look()).toEqual(["1 error: no", "3 error"]);
  add(run.db, 4, "done");
  expect(run.look()).toEqual([]);
});

test("all ends are announced once, where they are asked for, and not those from before", () => {
  using run = follow((db) => {
    add(db, 1, "running");
    add(db, 2, "done");
    add(db, 3, "queued");
  }, "all");
  expect(run.look()).toEqual(["total 9", "1 started, attempt 1"]);
  set(run.db, 1, "status = 'done', finished_at = started_at");
  add(run.db, 4, "done");
  add(run.db, 5, "skipped");
  add(run.db, 6, "cancelled");
  expect(run.look()).toEqual(["1 done", "4 done", "5 skipped", "6 cancelled"]);
  add(run.db, 7, "done", second(1));
  expect(run.look()).toEqual(["7 done"]);
});

test("more ends than one look announces follow, each once", () => {
  using run = follow((db) => add(db, 1, "running"), "all");
  run.look();
  run.db.run(
    `WITH n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 7000)
      INSERT INTO task_runs (run_id, id, name, key, status, attempt, started_at, finished_at)
      SELECT 1, i, 'load', 'k', 'done', 1, ?1, ?1 FROM n`,
    [at],
  );
  // Seen running, so its end is announced at once.
  set(run.db, 1, `status = 'done', finished_at = '${second(1)}'`);
  const ends = [...run.look(), ...run.look(), ...run.look()].filter((end) => end.endsWith(" done"));
  expect(ends).toHaveLength(7000);
  expect(new Set(ends).size).toBe(7000);
});

test("a task of a continued run fails again", () => {
  using run = follow((db) => add(db, 1, "error"));
  run.look();
  set(run.db, 1, "status = 'running', finished_at = NULL, attempt = 1");
  run.look();
  set(run.db, 1, `status = 'error', finished_at = '${second(1)}'`);
  expect(run.look()).toEqual(["1 error"]);
});

test("a failure that is committed after a later one is announced too", () => {
  using run = follow((db) => add(db, 1, "error", second(5)));
  run.look();
  add(run.db, 2, "error", second(4));
  expect(run.look()).toEqual(["2 error"]);
});

for (const told of ["failures", "all"] as const) {
  test(`an end that is committed minutes after a later one is announced once too (${told})`, () => {
    using run = follow((db) => add(db, 1, "error", "2026-01-01T00:09:00.000Z"), told);
    run.look();
    add(run.db, 2, "error", second(4));
    add(run.db, 3, "error", "2026-01-01T00:09:01.000Z");
    expect(run.look().toSorted()).toEqual(["2 error", "3 error"]);
    expect(run.look(true)).toEqual([]);
    set(run.db, 1, "progress = 0.5");
    expect(run.look(true)).toEqual([]);
  });
}

test("ends that are committed late are told over several looks, each once", () => {
  using run = follow((db) => add(db, 1, "done", "2026-01-01T00:09:00.000Z"), "all");
  run.look();
  run.db.run(
    `WITH n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
      INSERT INTO task_runs (run_id, id, name, key, status, attempt, started_at, finished_at)
      SELECT 1, i, 'load', 'k', 'done', 1, ?1, ?1 FROM n`,
    [at],
  );
  const ends = [...run.look(true), ...run.look(true), ...run.look(true), ...run.look(true)];
  expect(ends).toHaveLength(11_999);
  expect(new Set(ends).size).toBe(11_999);
});

test("the last look finds an end whose time only differs", () => {
  using run = follow((db) => add(db, 1, "done", second(9)), "all");
  run.look();
  // A later session has run it again, unseen, and its clock was behind.
  set(run.db, 1, `finished_at = '${second(1)}'`);
  expect(run.look()).toEqual([]);
  expect(run.look(true)).toEqual(["1 done"]);
  expect(run.look(true)).toEqual([]);
});

test("an end without a time is in no event, and does not keep the others", () => {
  using run = follow((db) => add(db, 1, "done"), "all");
  set(run.db, 1, "finished_at = NULL");
  run.look();
  add(run.db, 2, "done");
  expect(run.look()).toEqual(["2 done"]);
  expect(run.look(true)).toEqual([]);
});

test("many failures of one instant: each is announced once, over several looks", () => {
  using run = follow();
  run.look();
  run.db.transaction(() => {
    for (let id = 1; id <= 2500; id++) add(run.db, id, "error");
  })();
  const seen: string[] = [];
  for (const count of [1000, 1000, 500, 0]) {
    const failed = run.look().filter((line) => line.endsWith("error"));
    expect(failed).toHaveLength(count);
    seen.push(...failed);
    set(run.db, 1, "progress = progress + 0.1");
  }
  expect(new Set(seen).size).toBe(2500);
});

test("the next attempt of a task begins from the start", () => {
  using run = follow((db) => add(db, 1, "running"));
  run.look();
  set(run.db, 1, "status = 'queued'");
  expect(run.look()).toEqual(["1 left"]);
  set(run.db, 1, "status = 'running', attempt = 2");
  expect(run.look()).toEqual(["1 started, attempt 2"]);
});

test("counts are of the whole run, whatever was seen of it", () => {
  using run = follow((db) => {
    for (let id = 1; id <= 5; id++) add(db, id, id < 4 ? "done" : "error");
  });
  expect(run.follower.next()?.counts).toMatchObject({ done: 3, error: 2 });
});

test("a run that has ended and was pruned since has no events", () => {
  using run = follow((db) => add(db, 1, "done"));
  run.db.run("DELETE FROM task_runs");
  run.db.run("DELETE FROM pipeline_runs");
  expect(run.look()).toEqual([]);
});
