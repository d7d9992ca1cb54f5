// The runs of slots of a schedule: which slots of a time range have one, how far it is, and why it failed. For `backfill`.

import { failureLine } from "../../base/failure.ts";
import { toIso } from "../../base/iso-time.ts";
import type { RunId } from "../../protocol/ids.ts";
import { titleOf } from "../../protocol/label.ts";
import { ofRunWith } from "../own-tables.ts";
import { checkTables } from "./check-tables.ts";
import { hasColumn } from "./has-column.ts";
import type { Reader, Row } from "./reader.ts";
import { type IsAlive, runningRuns } from "./running-runs.ts";
import { itemColumns, storedLabel } from "./stored-item.ts";
import { failure, number, storedRunId, storedRunStatus } from "./stored-values.ts";
import { countByRun, totalOf } from "./task-counts.ts";

/** `stopped`: it was cancelled, or its process died; it can go on. */
export type SlotState = "done" | "failed" | "stopped" | "running";

export type SlotRun = { readonly run: RunId; readonly state: SlotState };

/** Both included, epoch ms. */
type Range = { readonly first: number; readonly last: number };

/**
 * By slot, ISO 8601 UTC.
 * @throws ReaderError `no-tables` or `newer-version`
 */
export function slotRuns(
  reader: Reader,
  pipeline: string,
  { first, last }: Range,
  isAlive: IsAlive,
): Map<string, SlotRun> {
  checkTables(reader);
  if (!hasColumn(reader, "pipeline_runs", "scheduled_for")) return new Map();
  // Before the rows: see `overview`.
  const { dead } = runningRuns(reader, isAlive);
  const { rows } = reader.iterate(
    `SELECT id, status, scheduled_for FROM pipeline_runs
      WHERE pipeline = ? AND scheduled_for BETWEEN ? AND ?`,
    [pipeline, toIso(first), toIso(last)],
  );
  const runs = new Map<string, SlotRun>();
  for (const row of rows) {
    const run = storedRunId(row["id"], reader);
    const state = stateOf(row, reader, dead.has(run));
    runs.set(String(row["scheduled_for"]), { run, state });
  }
  return runs;
}

function stateOf(row: Row, reader: Reader, isDead: boolean): SlotState {
  const status = storedRunStatus(row["status"], reader);
  if (status === "done") return "done";
  if (status === "error") return "failed";
  return status === "cancelled" || isDead ? "stopped" : "running";
}

export type SlotProgress = {
  readonly run: RunId;
  readonly ended: number;
  readonly total: number;
  /** 0..1, with what the running tasks have done. */
  readonly progress: number;
};

/** Undefined before its run has begun, and while it is not known how many tasks there are. */
export function slotProgress(
  reader: Reader,
  pipeline: string,
  slot: number,
): SlotProgress | undefined {
  const [row] = reader.query(
    "SELECT id, tasks_total FROM pipeline_runs WHERE pipeline = ? AND scheduled_for = ? AND status = 'running'",
    [pipeline, toIso(slot)],
  );
  const total = number(row?.["tasks_total"]);
  if (row === undefined || total === null || total === 0) return undefined;
  const run = storedRunId(row["id"], reader);
  const counts = countByRun(reader, [run], new Set()).get(run);
  if (counts === undefined) return undefined;
  const ended = Math.min(total, totalOf({ ...counts, queued: 0, running: 0, cancelled: 0 }));
  const [sum] = reader.query(
    `SELECT SUM(progress) AS progress FROM task_runs WHERE ${ofRunWith("?1", "running")}`,
    [run],
  );
  const partial = number(sum?.["progress"] ?? null) ?? 0;
  return { run, ended, total, progress: Math.min(1, (ended + partial) / total) };
}

/** `load day=3: Error: no such page; and 2 more tasks`; undefined where nothing says why. */
export function whyFailed(reader: Reader, run: RunId): string | undefined {
  const [task] = reader.query(
    `SELECT name, error, ${itemColumns(reader)} FROM task_runs WHERE ${ofRunWith("?1", "error")} ORDER BY run_id, id LIMIT 1`,
    [run],
  );
  const [own] = reader.query("SELECT error FROM pipeline_runs WHERE id = ?", [run]);
  const failed = failure(task?.["error"]);
  if (task === undefined || failed === null) {
    const reason = failure(own?.["error"]);
    return reason === null ? undefined : failureLine(reason);
  }
  const others = (countByRun(reader, [run], new Set()).get(run)?.error ?? 1) - 1;
  const more = others > 0 ? `; and ${others} more` : "";
  return `${titleOf(String(task["name"]), storedLabel(task) ?? undefined)}: ${failureLine(failed)}${more}`;
}
