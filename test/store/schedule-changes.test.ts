// What the database keeps of schedules: written, read back, and in files of older versions.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";

import type { ScheduleHistory } from "../../src/protocol/served-schedule.ts";
import { openReader } from "../../src/store/read/reader.ts";
import {
  lastDoneAt,
  pausedPipelines,
  scheduleHistories,
} from "../../src/store/read/schedule-history.ts";
import { migrations, schemaVersion } from "../../src/store/migrate.ts";
import { oldRuns } from "../../src/store/read/old-runs.ts";
import { changeSchedules } from "../../src/store/write/schedule-changes.ts";
import { tempFolder } from "./write/temp-folder.ts";

const day = Date.UTC(2026, 10, 27);

function historyIn(path: string, pipeline: string, until = day): ScheduleHistory | undefined {
  using reader = openReader(path);
  return scheduleHistories(reader, [pipeline], until, () => false).get(pipeline);
}

const seen = { rule: "daily", paused: null, stopped: [], trouble: null, untold: [] };

test("a schedule is first seen in a file that is not there, paused, resumed and stopped", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  const pipeline = "etl";
  const first = { kind: "seen", pipeline, rule: "daily", at: day } as const;
  changeSchedules(path, [first]);
  const row = { ...seen, since: day };
  expect(historyIn(path, pipeline)).toEqual({ row, slots: [], others: [] });

  const pause = { at: day + 1, failures: 3 };
  changeSchedules(path, [
    { kind: "pause", pipeline, pause },
    { kind: "trouble", pipeline, trouble: { kind: "paused", slot: null }, untold: ["{}", "[1]"] },
    { kind: "stopped", pipeline, slots: [day] },
  ]);
  // It stays as it was first paused.
  changeSchedules(path, [{ kind: "pause", pipeline, pause: { at: day + 2, failures: null } }]);
  expect(historyIn(path, pipeline)?.row).toEqual({
    ...row,
    paused: pause,
    trouble: { kind: "paused", slot: null },
    untold: ["{}", "[1]"],
    stopped: [day],
  });
  {
    using reader = openReader(path);
    expect([...pausedPipelines(reader)]).toEqual(["etl"]);
  }

  changeSchedules(path, [
    { kind: "resume", pipeline, at: day + 3 },
    { kind: "trouble", pipeline, trouble: null, untold: ["1"] },
  ]);
  expect(historyIn(path, pipeline)?.row).toMatchObject({ trouble: null, untold: ["1"] });
  changeSchedules(path, [{ kind: "delivered", pipeline, body: "1" }]);
  expect(historyIn(path, pipeline)?.row).toEqual({ ...row, since: day + 3, stopped: [day] });
});

test("a message that is delivered is gone, and what another serve has written meanwhile stays", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  const pipeline = "etl";
  const trouble = { kind: "failed", slot: day } as const;
  const delivered = (body: string): void =>
    changeSchedules(path, [{ kind: "delivered", pipeline, body }]);
  changeSchedules(path, [
    { kind: "seen", pipeline, rule: "daily", at: day },
    { kind: "trouble", pipeline, trouble, untold: ["1", "2"] },
  ]);
  delivered("1");
  delivered("of nobody");
  expect(historyIn(path, pipeline)?.row).toMatchObject({ trouble, untold: ["2"] });
  delivered("2");
  using db = new Database(path);
  const stored = db.query("SELECT trouble FROM pipeloom_schedules").values();
  expect(stored).toEqual([[JSON.stringify(trouble)]]);
});

test("the last success is that of a slot of the pipeline, whichever was done last", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  changeSchedules(path, [{ kind: "seen", pipeline: "etl", rule: "daily", at: day }]);
  using db = new Database(path);
  const add = (pipeline: string, slot: string | null, status: string, finished: string): void => {
    db.run(
      `INSERT INTO pipeline_runs (pipeline, params, status, started_at, finished_at, pid, host, scheduled_for)
        VALUES (?, '{}', ?, '2026-11-01T00:00:00.000Z', ?, 1, 'h', ?)`,
      [pipeline, status, finished, slot],
    );
  };
  const lastDone = (): number | null => {
    using reader = openReader(path);
    return lastDoneAt(reader, "etl");
  };
  expect(lastDone()).toBeNull();
  // The earlier slot was run again by hand.
  add("etl", "2026-11-01T00:00:00.000Z", "done", "2026-11-03T05:00:00.000Z");
  add("etl", "2026-11-02T00:00:00.000Z", "done", "2026-11-02T01:00:00.000Z");
  add("etl", "2026-11-04T00:00:00.000Z", "error", "2026-11-04T01:00:00.000Z");
  add("etl", null, "done", "2026-11-05T01:00:00.000Z");
  add("other", "2026-11-06T00:00:00.000Z", "done", "2026-11-06T01:00:00.000Z");
  expect(lastDone()).toBe(Date.UTC(2026, 10, 3, 5));
});

test("what users write into the table is no error", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  changeSchedules(path, [{ kind: "seen", pipeline: "etl", rule: "daily", at: day }]);
  {
    using db = new Database(path);
    db.run(
      "UPDATE pipeloom_schedules SET stopped = '{', trouble = '{\"kind\":\"odd\",\"untold\":[1]}', paused = 'x'",
    );
  }
  const row = { ...seen, since: day };
  expect(historyIn(path, "etl")?.row).toEqual(row);
  {
    using db = new Database(path);
    db.run("UPDATE pipeloom_schedules SET since = 'yesterday'");
  }
  expect(historyIn(path, "etl")?.row).toBeNull();
});

test.each([1, 2, 6, 7])(
  "a run that was killed under version %d is read, and its file migrated by a change",
  (version) => {
    using folder = tempFolder();
    const path = folder.file("old.db");
    copyFileSync(join(import.meta.dir, `../fixtures/killed-v${version}.sqlite`), path);
    expect(historyIn(path, "retries")).toEqual({ row: null, slots: [], others: [] });
    {
      using reader = openReader(path);
      expect(pausedPipelines(reader).size).toBe(0);
    }
    changeSchedules(path, [{ kind: "seen", pipeline: "retries", rule: "daily", at: day }]);
    expect(historyIn(path, "retries")?.row).toMatchObject({ since: day });
    using db = new Database(path);
    expect(schemaVersion(db, path)).toBe(migrations.length);
    expect(
      db.query("SELECT COUNT(*) FROM pipeline_runs WHERE status = 'running'").values(),
    ).toEqual([[1]]);
  },
);

const add = (status: string, slot: number | null, pipeline = "etl"): string =>
  `INSERT INTO pipeline_runs (pipeline, params, status, started_at, finished_at, scheduled_for)
    VALUES ('${pipeline}', '{}', '${status}', '2026-11-27T00:00:00.000Z', '2026-11-27T00:01:00.000Z',
    ${slot === null ? "NULL" : `'${new Date(slot).toISOString()}'`})`;

test("slots are read newest first, a dead run as interrupted, and a later one not at all", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  changeSchedules(path, [{ kind: "seen", pipeline: "etl", rule: "daily", at: day }]);
  {
    using db = new Database(path);
    for (const sql of [
      add("done", day - 2),
      add("running", day - 1),
      add("done", day + 1),
      add("done", null),
      add("done", day, "other"),
    ]) {
      db.run(sql);
    }
  }
  const history = historyIn(path, "etl");
  expect(history?.slots.map(({ run, slot, status }) => [run, slot, status])).toEqual([
    [2, day - 1, "interrupted"],
    [1, day - 2, "done"],
  ]);
  expect(history?.slots[1]?.finishedAt).toBe(day + 60_000);
  expect(history?.others).toEqual([]);
});

test("the run of the last slot is never old: without it, the slot would run again", () => {
  using folder = tempFolder();
  const path = folder.file("a.db");
  changeSchedules(path, []);
  {
    using db = new Database(path);
    for (const slot of ["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z", null, null]) {
      db.run(
        "INSERT INTO pipeline_runs (pipeline, params, status, started_at, scheduled_for) VALUES ('etl', '{}', 'done', '', ?)",
        [slot],
      );
    }
  }
  using reader = openReader(path);
  const rule = { keepRuns: 0, endedBefore: undefined, pipeline: undefined };
  expect(oldRuns(reader, rule).map(({ id }) => Number(id))).toEqual([1, 3]);
});
