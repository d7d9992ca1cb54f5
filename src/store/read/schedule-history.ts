// The last slots of pipelines, the runs that go on, and what `serve` keeps of them. Also of files of an older version, and of files
// that no run has written to yet.

import { Date, JSON } from "../../base/globals.ts";
import { toIso } from "../../base/iso-time.ts";
import {
  noHistory,
  type ScheduleHistory,
  type ScheduleRow,
  type SlotRun,
  type Trouble,
  troubles,
} from "../../protocol/served-schedule.ts";
import type { Reader, Row } from "./reader.ts";
import { type IsAlive, runProcess } from "./running-runs.ts";
import { number, storedRunId, storedRunStatus, text } from "./stored-values.ts";

/** Slots of a pipeline that are read. */
const maxSlots = 40;

/**
 * By pipeline.
 * @param until later slots do not count: the clock was set back
 * @throws ReaderError where the file cannot be read
 */
export function scheduleHistories(
  reader: Reader,
  pipelines: readonly string[],
  until: number,
  isAlive: IsAlive,
): ReadonlyMap<string, ScheduleHistory> {
  const has = tablesIn(reader);
  // Before the rows: see `overview`.
  const dead = has.runs ? deadRuns(reader, pipelines, isAlive) : new Set<number>();
  return reader.snapshot(
    () => new Map(pipelines.map((name) => [name, historyOf(reader, name, until, has, dead)])),
  );
}

/**
 * When a run of a slot was done last, among all slots of the pipeline.
 * @throws ReaderError where the file cannot be read
 */
export function lastDoneAt(reader: Reader, pipeline: string): number | null {
  if (!tablesIn(reader).slots) return null;
  const [row] = reader.query(
    `SELECT MAX(finished_at) AS at FROM pipeline_runs
      WHERE pipeline = ? AND scheduled_for IS NOT NULL AND status = 'done'`,
    [pipeline],
  );
  return row === undefined ? null : timeIn(row, "at");
}

/** All of the file. */
export function pausedPipelines(reader: Reader): ReadonlySet<string> {
  if (!tablesIn(reader).schedules) return new Set();
  const rows = reader.query("SELECT pipeline FROM pipeloom_schedules WHERE paused IS NOT NULL");
  return new Set(rows.map((row) => String(row["pipeline"])));
}

type Has = { readonly runs: boolean; readonly slots: boolean; readonly schedules: boolean };

function tablesIn(reader: Reader): Has {
  const [row] = reader.query(
    `SELECT (SELECT COUNT(*) FROM pragma_table_info('pipeline_runs')) AS runs,
            (SELECT COUNT(*) FROM pragma_table_info('pipeline_runs') WHERE name = 'scheduled_for') AS slots,
            (SELECT COUNT(*) FROM pragma_table_info('pipeloom_schedules')) AS schedules`,
  );
  return {
    runs: row?.["runs"] !== 0,
    slots: row?.["slots"] !== 0,
    schedules: row?.["schedules"] !== 0,
  };
}

/** Runs whose rows say `running`, and whose processes are gone. */
function deadRuns(
  reader: Reader,
  pipelines: readonly string[],
  isAlive: IsAlive,
): ReadonlySet<number> {
  // `*`, because a file of version 1 lacks some of the columns.
  const running = reader
    .query(
      "SELECT * FROM pipeline_runs WHERE status = 'running' AND pipeline IN (SELECT value FROM json_each(?))",
      [JSON.stringify(pipelines)],
    )
    .map((row) => runProcess(row, reader));
  return new Set(running.filter((run) => !isAlive(run)).map(({ id }) => id));
}

function historyOf(
  reader: Reader,
  pipeline: string,
  until: number,
  has: Has,
  dead: ReadonlySet<number>,
): ScheduleHistory {
  if (!has.runs) return noHistory;
  const seen = (row: Row): SlotRun => slotRunOf(row, reader, dead);
  const slots = has.slots ? slotRows(reader, pipeline, until).map(seen) : [];
  const known = new Set(slots.map(({ run }) => run));
  const running = reader
    .query("SELECT * FROM pipeline_runs WHERE pipeline = ? AND status = 'running'", [pipeline])
    .map(seen);
  return {
    row: has.schedules ? scheduleRow(reader, pipeline) : null,
    slots: slots.filter(isOfSlot),
    others: running.filter(({ run, status }) => status === "running" && !known.has(run)),
  };
}

const slotRows = (reader: Reader, pipeline: string, until: number): Row[] =>
  reader.query(
    `SELECT id, status, started_at, finished_at, pid, trigger, scheduled_for FROM pipeline_runs
      WHERE pipeline = ? AND scheduled_for <= ? ORDER BY scheduled_for DESC LIMIT ?`,
    [pipeline, toIso(until), maxSlots],
  );

const isOfSlot = (run: SlotRun): run is SlotRun & { readonly slot: number } => run.slot !== null;

function slotRunOf(row: Row, reader: Reader, dead: ReadonlySet<number>): SlotRun {
  const run = storedRunId(row["id"], reader);
  const status = storedRunStatus(row["status"], reader);
  return {
    run,
    slot: timeIn(row, "scheduled_for"),
    status: status === "running" && dead.has(run) ? "interrupted" : status,
    startedAt: timeIn(row, "started_at") ?? 0,
    finishedAt: status === "running" ? null : timeIn(row, "finished_at"),
    pid: number(row["pid"]),
    trigger: text(row["trigger"]),
  };
}

/** Null also for what is no time: users can edit the table. */
function timeIn(row: Row, column: string): number | null {
  const at = Date.parse(text(row[column]) ?? "");
  return Number.isNaN(at) ? null : at;
}

function scheduleRow(reader: Reader, pipeline: string): ScheduleRow | null {
  const [row] = reader.query("SELECT * FROM pipeloom_schedules WHERE pipeline = ?", [pipeline]);
  const since = row === undefined ? null : timeIn(row, "since");
  if (row === undefined || since === null) return null;
  const at = timeIn(row, "paused");
  return {
    rule: text(row["rule"]) ?? "",
    since,
    paused: at === null ? null : { at, failures: number(row["failures"]) },
    stopped: stoppedIn(text(row["stopped"])),
    trouble: troubleIn(text(row["trouble"])),
    untold: untoldIn(text(row["trouble"])),
  };
}

function stoppedIn(json: string | null): readonly number[] {
  const value = parsed(json);
  return Array.isArray(value) ? value.filter((slot) => typeof slot === "number") : [];
}

/** Null also for what users have written. */
export function troubleIn(json: string | null): Trouble | null {
  const value = parsed(json);
  if (typeof value !== "object" || value === null || !("kind" in value)) return null;
  const kind = troubles.find((known) => known === value.kind);
  if (kind === undefined) return null;
  return { kind, slot: "slot" in value && typeof value.slot === "number" ? value.slot : null };
}

/** See `ScheduleRow`. */
export function untoldIn(json: string | null): readonly string[] {
  const value = parsed(json);
  if (typeof value !== "object" || value === null || !("untold" in value)) return [];
  return Array.isArray(value.untold) ? value.untold.filter((body) => typeof body === "string") : [];
}

function parsed(json: string | null): unknown {
  try {
    return JSON.parse(json ?? "null");
  } catch {
    return null;
  }
}
