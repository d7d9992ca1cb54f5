// Tasks of a run as a list shows them: one line each.

import { JSON } from "../../base/globals.ts";
import { failureLine } from "../../base/failure.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { TaskStatus } from "../../protocol/status.ts";
import { machineColumn } from "./machine-names.ts";
import type { Reader, Row } from "./reader.ts";
import { itemColumns, storedLabel } from "./stored-item.ts";
import { failure, number, storedTaskId, storedTaskStatus, text } from "./stored-values.ts";
import { costColumns, costsOf, type TaskCosts } from "./task-costs.ts";

type BriefRow = TaskCosts & {
  readonly id: number;
  readonly name: string;
  /** What tells it from others of its name. */
  readonly label: string | null;
  readonly status: TaskStatus;
  /** 0..1 */
  readonly progress: number;
  readonly message: string | null;
  readonly attempt: number;
  /** The machine that it ran on; null where it is the run's own. */
  readonly machine: string | null;
  /** ISO 8601 UTC, as in the file. */
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** One line. */
  readonly error: string | null;
};

/** In the order of the ids that are asked for, without those that are not there. */
export function briefTasks(reader: Reader, run: RunId, ids: readonly number[]): BriefRow[] {
  const rows = reader.query(
    `SELECT id, name, status, progress, message, attempt, started_at, finished_at, error,
        ${itemColumns(reader)}, ${costColumns(reader)}, ${machineColumn(reader, "task_runs")}
      FROM task_runs WHERE run_id = ?1 AND id IN (SELECT value FROM json_each(?2))`,
    [run, JSON.stringify(ids)],
  );
  const byId = new Map<number, Row>(rows.map((row) => [storedTaskId(row["id"], reader), row]));
  return ids.flatMap((id) => {
    const row = byId.get(id);
    return row === undefined ? [] : [briefRow(row, id, reader)];
  });
}

function briefRow(row: Row, id: number, reader: Reader): BriefRow {
  const why = failure(row["error"]);
  return {
    id,
    name: String(row["name"]),
    label: storedLabel(row),
    status: storedTaskStatus(row["status"], reader),
    progress: number(row["progress"]) ?? 0,
    message: text(row["message"]),
    attempt: number(row["attempt"]) ?? 0,
    machine: text(row["machine_name"]),
    startedAt: text(row["started_at"]),
    finishedAt: text(row["finished_at"]),
    error: why === null ? null : failureLine(why),
    ...costsOf(row),
  };
}
