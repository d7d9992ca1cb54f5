// Reads what the earlier sessions of a run left: its tasks, and long results when main asks for them.

import type { Database } from "bun:sqlite";

import { JSON } from "../../base/globals.ts";
import { isStoredId, type RunId, taskId, type TaskId } from "../../protocol/ids.ts";
import type { RestoredTask } from "../../protocol/messages.ts";
import { isTaskStatus } from "../../protocol/status.ts";
import { maxSentResult } from "../../protocol/wants-result.ts";
import type { Patience } from "../patience.ts";
import { damagedRow } from "../store-error.ts";
import type { StoredResult } from "./history.ts";

/** As pipeloom writes it; `damagedColumn` looks whether it does. */
type TaskRow = {
  readonly id: number;
  readonly key: string;
  readonly status: string;
  readonly attempt: number;
  readonly result: string | null;
  readonly name: string | null;
  readonly cursor: string | null;
  readonly isOutdated: number;
  /** The result is long, and stays in the file. */
  readonly isStored: number;
};

const maxFailureBytes = 1024;

/** A long failure is cut to its name and 1,000 characters of its message. Empty if the column has no failure. */
const failureSql =
  "CASE WHEN json_valid(error) THEN CASE WHEN json_type(error, '$.name') IS NOT 'text' OR " +
  "json_type(error, '$.message') IS NOT 'text' THEN '' " +
  `WHEN octet_length(error) <= ${maxFailureBytes} THEN error ` +
  "ELSE json_object('name', error ->> 'name', 'message', substr(error ->> 'message', 1, 1000)) END ELSE '' END";

/** Keyset pagination: no statement stays open between pages, and only one page is in memory. */
const pageSql =
  "SELECT id, key, status, attempt, cursor, CASE WHEN status <> 'done' THEN name END AS name, fingerprint IS NOT NULL AS isOutdated, " +
  `status = 'done' AND octet_length(result) > ${maxSentResult} AS isStored, ` +
  `CASE WHEN status = 'error' THEN ${failureSql} ` +
  `WHEN status = 'done' AND octet_length(result) <= ${maxSentResult} THEN result END AS result ` +
  "FROM task_runs WHERE run_id = ? AND id > ? ORDER BY id LIMIT ?";

const restoredStatuses: { readonly [status: string]: RestoredTask["status"] } = {
  done: "done",
  error: "failed",
};

/**
 * The run's tasks in the order of their ids, in pages. To be read before the run's first write. A run may have a million
 * tasks: callers should not keep these objects.
 */
export function* restoredTasks(
  db: Database,
  path: string,
  run: RunId,
  patience: Patience,
  pageSize = 5_000,
): Generator<readonly RestoredTask[]> {
  using page = db.prepare<TaskRow, [number, number, number]>(pageSql);
  for (let last = Number.NEGATIVE_INFINITY; ;) {
    const from = last;
    const rows = patience.run(() => page.all(run, from, pageSize));
    for (const row of rows) {
      const column = damagedColumn(row);
      if (column === undefined) continue;
      throw damagedRow(path, `the ${column} of task ${String(row.id)} of run ${run}`);
    }
    if (rows.length > 0) yield rows.map(restoredTask);
    if (rows.length < pageSize) return;
    last = rows.at(-1)?.id ?? last;
  }
}

/**
 * The column with a value that pipeloom never writes. Main passes JSON texts on unparsed: invalid JSON would fail far from
 * its cause. A status that is none would run a task a second time.
 */
function damagedColumn(row: TaskRow): keyof RestoredTask | "error" | undefined {
  const { id, key, status, attempt, name, cursor, result, isStored } = row;
  if (!isStoredId(id)) return "id";
  if (typeof key !== "string") return "key";
  if (!isTaskStatus(status)) return "status";
  if (!Number.isSafeInteger(attempt) || attempt < 0) return "attempt";
  if (name !== null && typeof name !== "string") return "name";
  if (cursor !== null && !isJson(cursor)) return "cursor";
  if (status === "error" && !isJson(result)) return "error";
  return status === "done" && isStored !== 1 && !isJson(result) ? "result" : undefined;
}

function isJson(text: unknown): boolean {
  // "null" is the result of most tasks, and there may be millions.
  if (text === "null") return true;
  try {
    return typeof text === "string" && JSON.parse(text) !== undefined;
  } catch {
    return false;
  }
}

const restoredTask = (row: TaskRow): RestoredTask => ({
  id: taskId(row.id),
  key: row.key,
  status: restoredStatuses[row.status] ?? "open",
  attempt: row.attempt,
  result: row.result,
  cursor: row.cursor,
  ...(row.name === null ? undefined : { name: row.name }),
  ...(row.isOutdated === 1 ? { isOutdated: true } : undefined),
});

/** Bounds memory: a result on its way to main is in memory twice. */
const maxPageChars = 8 * 1024 * 1024;

/** Long results in the order of `ids`, in pages. A page ends with the result that reaches `maxChars`. */
export function* storedResults(
  db: Database,
  path: string,
  run: RunId,
  ids: readonly TaskId[],
  patience: Patience,
  maxChars = maxPageChars,
): Generator<readonly StoredResult[]> {
  using rows = db.prepare<{ result: string | null }, [number, number]>(
    "SELECT result FROM task_runs WHERE run_id = ? AND id = ? AND status = 'done'",
  );
  let page: StoredResult[] = [];
  let chars = 0;
  for (const id of ids) {
    const result = patience.run(() => rows.get(run, id))?.result;
    if (typeof result !== "string" || !isJson(result))
      throw damagedRow(path, `the result of task ${id} of run ${run}`);
    page.push([id, result]);
    chars += result.length;
    if (chars < maxChars) continue;
    yield page;
    page = [];
    chars = 0;
  }
  if (page.length > 0) yield page;
}
