// A slot of a schedule has one run, stored before anything starts.

import type { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";

import type { RunRequest } from "../../../src/protocol/run-request.ts";
import type { RunLock } from "../../../src/store/lock.ts";
import { openDatabase } from "../../../src/store/open-database.ts";
import { refuseIfAlive } from "../../../src/store/read/find-run.ts";
import { openReader } from "../../../src/store/read/reader.ts";
import { runList } from "../../../src/store/read/run-list.ts";
import { prepareRun, type PreparedRun } from "../../../src/store/write/prepare-run.ts";
import { options, request, storeError } from "./options.ts";
import { tempFolder } from "./temp-folder.ts";

const slot = (hour: number): string => `2026-11-27T${String(hour).padStart(2, "0")}:00:00.000Z`;

class Bench implements Disposable {
  readonly #folder = tempFolder();
  readonly path = this.#folder.file("a.db");
  readonly db: Database;
  #locks: RunLock[] = [];

  constructor(stored?: string) {
    if (stored !== undefined) copyFileSync(stored, this.path);
    this.db = openDatabase(options(this.path));
  }

  prepare(hour: number | null, more: Partial<RunRequest> = {}): PreparedRun {
    const scheduledFor = hour === null ? null : slot(hour);
    const asked = request({ scheduledFor, ...more });
    const run = prepareRun(this.db, options(this.path), asked, 1_800_000_000_000);
    this.#locks.push(run.lock);
    return run;
  }

  /** Its process ends; the run's row says this. */
  end(id: number, status: string): void {
    this.db.run("UPDATE pipeline_runs SET status = ? WHERE id = ?", [status, id]);
    for (const lock of this.#locks.splice(0)) lock.release();
  }

  rows(): unknown[] {
    return this.db
      .query("SELECT id, status, scheduled_for, previous_slot FROM pipeline_runs ORDER BY id")
      .values();
  }

  [Symbol.dispose](): void {
    for (const lock of this.#locks.splice(0)) lock.release();
    this.db.close(true);
    this.#folder[Symbol.dispose]();
  }
}

describe("the run of a slot", () => {
  test("is stored with it, and with the last slot before it that is done", () => {
    using bench = new Bench();
    expect(bench.prepare(1).slot).toEqual({ scheduledFor: slot(1), previous: null });
    bench.end(1, "done");
    bench.prepare(2);
    bench.end(2, "error");
    bench.prepare(9);
    bench.end(3, "done");
    expect(bench.prepare(3)).toMatchObject({
      id: 4,
      resumed: false,
      slot: { scheduledFor: slot(3), previous: slot(1) },
    });
    bench.end(4, "done");
    bench.prepare(4, { pipeline: "users" });
    bench.prepare(null, { resume: "fresh" });
    expect(bench.rows()).toEqual([
      [1, "done", slot(1), null],
      [2, "error", slot(2), slot(1)],
      [3, "done", slot(9), slot(1)],
      [4, "done", slot(3), slot(1)],
      [5, "running", slot(4), null],
      [6, "running", null, null],
    ]);
  });

  test.each(["running", "error", "cancelled"])("that ended as %s is continued", (status) => {
    using bench = new Bench();
    bench.prepare(1);
    bench.end(1, status);
    expect(bench.prepare(1)).toMatchObject({
      id: 1,
      resumed: true,
      slot: { scheduledFor: slot(1) },
    });
  });

  test("keeps its previous slot, also if one between has been done since", () => {
    using bench = new Bench();
    bench.prepare(1);
    bench.end(1, "done");
    bench.prepare(5);
    bench.end(2, "running");
    bench.prepare(3);
    bench.end(3, "done");
    expect(bench.prepare(5).slot).toEqual({ scheduledFor: slot(5), previous: slot(1) });
  });

  test("that is done never runs again, unless its tasks are named", () => {
    using bench = new Bench();
    bench.prepare(1);
    bench.end(1, "done");
    const before = bench.rows();
    const { code, message } = storeError(() => bench.prepare(1));
    expect(code).toBe("slot-done");
    expect(message).toContain(`the slot ${slot(1)} is done: run 1 in `);
    expect(bench.rows()).toEqual(before);
    expect(bench.prepare(1, { resume: "newest" })).toMatchObject({ id: 1, resumed: true });
  });

  test("that is alive is not begun twice; that of another slot may run beside it", () => {
    using bench = new Bench();
    bench.prepare(1);
    const { code, message } = storeError(() => bench.prepare(1));
    expect(code).toBe("run-alive");
    expect(message).not.toContain("--fresh");
    expect(bench.prepare(2)).toMatchObject({ id: 2, resumed: false });
    expect(storeError(() => bench.prepare(null)).code).toBe("run-alive");
  });

  test.each<[string, number | null, Partial<RunRequest>]>([
    ["another slot", 1, {}],
    ["a person, with other params", null, { params: "{}" }],
    ["a person, from another file", null, { file: "/home/eve/etl.ts" }],
  ])("that is to be alone is refused while one of %s is alive", (_, hour, more) => {
    using bench = new Bench();
    bench.prepare(hour, more);
    const before = bench.rows();
    const { code, message } = storeError(() => bench.prepare(2, { isAlone: true }));
    expect(code).toBe("overlaps");
    expect(message).toContain('run 1 of "posts" is going on in ');
    expect(bench.rows()).toEqual(before);
    const asked = request({ scheduledFor: slot(2), isAlone: true });
    const refused = storeError(() => refuseIfAlive(bench.db, options(bench.path), asked));
    expect(refused.code).toBe("overlaps");
    bench.end(1, "running");
    expect(bench.prepare(2, { isAlone: true })).toMatchObject({ id: 2, resumed: false });
  });

  test("that is to be alone may run beside another pipeline", () => {
    using bench = new Bench();
    bench.prepare(1, { pipeline: "users" });
    expect(bench.prepare(1, { isAlone: true })).toMatchObject({ id: 2 });
  });

  test.each<[string, Partial<RunRequest>, string]>([
    ["other params", { params: "{}" }, 'the params {"limit":3}'],
    ["another file", { file: "/home/eve/etl.ts" }, "the file /home/ada/etl.ts"],
  ])("is refused to %s", (_, more, named) => {
    using bench = new Bench();
    bench.prepare(1);
    bench.end(1, "done");
    const { code, message } = storeError(() => bench.prepare(1, more));
    expect(code).toBe("slot-taken");
    expect(message).toContain(named);
    expect(bench.rows()).toHaveLength(1);
  });

  test("--rerun without a run of this slot", () => {
    using bench = new Bench();
    bench.prepare(2);
    bench.end(1, "done");
    const { code, message } = storeError(() => bench.prepare(1, { resume: "newest" }));
    expect(code).toBe("no-such-run");
    expect(message).toContain(slot(1));
  });
});

describe("a dead run of a slot", () => {
  test("is not superseded by another slot, nor by a run without one", () => {
    using bench = new Bench();
    bench.prepare(1);
    bench.end(1, "running");
    bench.prepare(2);
    bench.end(2, "done");
    bench.prepare(null);
    bench.end(3, "done");
    expect(bench.rows()).toEqual([
      [1, "running", slot(1), null],
      [2, "done", slot(2), null],
      [3, "done", null, null],
    ]);
    expect(bench.prepare(1)).toMatchObject({ id: 1, resumed: true });
  });

  test("that is the newest is continued by a run without a slot, as what it is", () => {
    using bench = new Bench();
    bench.prepare(1);
    bench.end(1, "running");
    expect(bench.prepare(null)).toMatchObject({ id: 1, slot: { scheduledFor: slot(1) } });
  });
});

test("two processes cannot store the same slot, whatever they believe", () => {
  using bench = new Bench();
  bench.prepare(1);
  const again = "INSERT INTO pipeline_runs (pipeline, params, status, started_at, scheduled_for)";
  expect(() =>
    bench.db.run(`${again} VALUES ('posts', '{}', 'running', '', '${slot(1)}')`),
  ).toThrow("UNIQUE constraint failed");
  bench.db.run(`${again} VALUES ('users', '{}', 'running', '', '${slot(1)}')`);
});

describe("a file of version 6", () => {
  const v6 = join(import.meta.dir, "../../fixtures/killed-v6.sqlite");

  test("has runs without slots; the next slot begins a run beside the dead one", () => {
    using bench = new Bench(v6);
    expect(bench.rows()).toEqual([[1, "running", null, null]]);
    const file = "/srv/pipelines/retries.ts";
    expect(bench.prepare(1, { pipeline: "retries", file, params: "{}" })).toMatchObject({
      id: 2,
      slot: { scheduledFor: slot(1), previous: null },
    });
  });

  test("is asked for a slot, and read, before it is migrated", () => {
    using folder = tempFolder();
    const path = folder.file("old.db");
    copyFileSync(v6, path);
    using reader = openReader(path);
    const { runs } = runList(reader, { maxRuns: 5, pipeline: undefined, isAlive: () => false });
    expect(runs).toMatchObject([{ id: 1, scheduledFor: null, previousSlot: null }]);
    const asked = request({ scheduledFor: slot(1), pipeline: "retries" });
    const file = openDatabase(options(path), undefined, (db) =>
      expect(() => refuseIfAlive(db, options(path), asked)).not.toThrow(),
    );
    file.close(true);
  });
});
