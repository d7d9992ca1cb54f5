// Writes what `serve` and `schedule pause` keep of schedules: a short transaction, also while runs write to the file.

import type { Database } from "bun:sqlite";
import { existsSync } from "node:fs";

import { JSON } from "../../base/globals.ts";
import { toIso } from "../../base/iso-time.ts";
import { assertNever } from "../../base/unreachable.ts";
import type { ScheduleChange, Trouble } from "../../protocol/served-schedule.ts";
import { isRunAlive } from "../liveness.ts";
import { noLock } from "../lock.ts";
import { openDatabase, shortTuning } from "../open-database.ts";
import { openReader } from "../read/reader.ts";
import { runningRuns } from "../read/running-runs.ts";
import { troubleIn, untoldIn } from "../read/schedule-history.ts";
import { closeDatabase } from "./close-database.ts";

/**
 * Makes the file and pipeloom's tables where they are missing. All changes are stored, or none.
 * @throws StoreError; `locked` where another program holds the file for more than half a second: ask again later
 */
export function changeSchedules(path: string, changes: readonly ScheduleChange[]): void {
  const { isWal, isInUse } = existsSync(path) ? look(path) : { isWal: true, isInUse: false };
  const db = openDatabase(
    { db: path, wal: isWal, durability: "full", storeTaskStatus: true },
    shortTuning,
  );
  try {
    db.transaction(() => changes.forEach((change) => apply(db, change))).immediate();
  } finally {
    closeDatabase(db, noLock, isInUse);
  }
}

/** A run that goes on uses the -wal, and may have lost its locks (see lock.ts). */
function look(path: string): { readonly isWal: boolean; readonly isInUse: boolean } {
  using reader = openReader(path);
  const [table] = reader.query(
    "SELECT COUNT(*) AS n FROM sqlite_schema WHERE name = 'pipeline_runs'",
  );
  if (table?.["n"] === 0) return { isWal: true, isInUse: false };
  const { live } = runningRuns(reader, (run) => isRunAlive(path, run));
  return { isWal: reader.isWal, isInUse: live.length > 0 };
}

function apply(db: Database, change: ScheduleChange): void {
  const { pipeline } = change;
  const set = (assignment: string, ...values: (string | number | null)[]): void => {
    db.run(`UPDATE pipeloom_schedules SET ${assignment} WHERE pipeline = ?`, [...values, pipeline]);
  };
  switch (change.kind) {
    case "seen":
      db.run(
        `INSERT INTO pipeloom_schedules (pipeline, rule, since) VALUES (?, ?, ?)
          ON CONFLICT DO UPDATE SET rule = excluded.rule, since = excluded.since`,
        [pipeline, change.rule, toIso(change.at)],
      );
      return;
    case "pause": {
      const { at, failures } = change.pause;
      // It stays as it was first paused.
      set(
        "failures = CASE WHEN paused IS NULL THEN ? ELSE failures END, paused = coalesce(paused, ?)",
        failures,
        toIso(at),
      );
      return;
    }
    case "resume":
      set("paused = NULL, failures = NULL, since = ?", toIso(change.at));
      return;
    case "stopped":
      set("stopped = ?", JSON.stringify(change.slots));
      return;
    case "trouble":
      set("trouble = ?", storedTrouble(change.trouble, change.untold));
      return;
    case "delivered": {
      const stored = troubleOf(db, pipeline);
      const untold = untoldIn(stored).filter((body) => body !== change.body);
      set("trouble = ?", storedTrouble(troubleIn(stored), untold));
      return;
    }
    default:
      assertNever(change);
  }
}

const troubleOf = (db: Database, pipeline: string): string | null =>
  db
    .query<{ trouble: string | null }, [string]>(
      "SELECT CAST(trouble AS TEXT) AS trouble FROM pipeloom_schedules WHERE pipeline = ?",
    )
    .get(pipeline)?.trouble ?? null;

/** An older version reads a trouble without a kind as none. */
function storedTrouble(trouble: Trouble | null, untold: readonly string[]): string | null {
  if (untold.length > 0) return JSON.stringify({ ...trouble, untold });
  return trouble === null ? null : JSON.stringify(trouble);
}
