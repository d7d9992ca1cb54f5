// The cells of a task's row, in the order of the columns of task-rows-sql.ts.

import { JSON } from "../../base/globals.ts";
import type { IsoTimeCache } from "../../base/iso-time.ts";
import { unknownPosition } from "../../protocol/ids.ts";
import type { HistoryCell } from "./bulk-insert.ts";
import type { TaskRow } from "./history.ts";

/** Without the machine, which only rows of a run with an engine have. */
export const cellsOf = (row: TaskRow, times: IsoTimeCache): readonly HistoryCell[] => [
  row.id,
  row.name,
  row.key,
  row.status,
  row.progress,
  row.message,
  row.attempt,
  row.startedAt === null ? null : times.text(row.startedAt),
  row.finishedAt === null ? null : times.text(row.finishedAt),
  row.result,
  row.failure === null ? null : JSON.stringify(row.failure),
  row.rows,
  row.cpuMs,
  row.waitedMs,
  row.input,
  row.label,
  row.needs,
  row.worker,
  row.position === unknownPosition ? null : row.position,
];
