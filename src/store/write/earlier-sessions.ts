// Reads what the earlier sessions of a run left: its tasks, and long results when main asks for them.

import type { Database } from "bun:sqlite";

import {
  isStoredId,
  maxStoredId,
  positionOf,
  type RunId,
  taskId,
  type TaskId,
  unknownPosition,
} from "../../protocol/ids.ts";
import type { RestoredPage, RestoredTask } from "../../protocol/messages.ts";
import { isTaskStatus } from "../../protocol/status.ts";
import { maxSentResult } from "../../protocol/wants-result.ts";
import type { BusyHandler } from "../busy-handler.ts";
import { passesOnSql, ranDownstream } from "../decide-reruns.ts";
import { damagedRow } from "../store-error.ts";
import type { StoredResult } from "./history.ts";
import type { StoredLine } from "./stored-lines.ts";
import { Date } from "../../base/globals.ts";
import { isJsonText } from "../../base/json.ts";

/** As pipeloom writes it; `damagedColumn` looks whether it does. */
type TaskRow = {
  readonly id: number;
  readonly key: string;
  readonly status: string;
  readonly attempt: number;
  readonly result: string | null;
  readonly name: string | null;
  readonly cursor: string | null;
  readonly position: number | null;
  readonly startedAt: string | null;
  readonly interruptions: number;
  readonly isOutdated: number | null;
  readonly passesOn: number | null;
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

/** SQLite does not read a long result: it knows the length without. CASE, because OR may read it first. */
const shortOr = (long: string, short: string): string =>
  `CASE WHEN octet_length(result) > ${maxSentResult} THEN ${long} ELSE ${short} END`;

/**
 * Holds for the rows of a `DonePage`: SQLite checks and joins them in a third of the time that objects for them take. Rows
 * for which it does not hold are looked at one by one.
 */
const plainSql =
  "status = 'done' AND fingerprint IS NULL AND (cursor IS NULL OR json_valid(cursor)) " +
  "AND typeof(attempt) = 'integer' AND attempt BETWEEN 0 AND 9007199254740991 " +
  "AND (position IS NULL OR typeof(position) = 'integer' AND position BETWEEN 0 AND 9007199254740991) " +
  `AND typeof(id) = 'integer' AND id BETWEEN 1 AND ${maxStoredId} ` +
  "AND typeof(key) = 'text' AND instr(key, char(31)) = 0 " +
  `AND typeof(result) = 'text' AND ${shortOr("1", "json_valid(result)")}`;

/**
 * A page, in keyset pagination: no statement stays open between pages, and only one page is in memory. Without an upper bound:
 * see `ofRun`. So a page may end with rows of later runs.
 */
const pageOf = (columns: string): string =>
  `(SELECT run_id, id, ${columns}, coalesce(${plainSql}, 0) AS plain FROM task_runs ` +
  "WHERE (run_id, id) > (?1, ?2) ORDER BY run_id, id LIMIT ?3) WHERE run_id = ?1";

const pageSql =
  "SELECT count(*) AS rows, max(id) AS last, coalesce(sum(plain), 0) AS plain, " +
  "group_concat(CASE WHEN plain THEN id END) AS ids, " +
  "group_concat(CASE WHEN plain THEN key END, char(31)) AS keys, " +
  "CASE WHEN sum(plain AND short <> 'null') > 0 THEN " +
  "group_concat(CASE WHEN plain THEN short END, char(31)) END AS results, " +
  "CASE WHEN sum(plain AND position IS NOT 0) > 0 THEN " +
  `group_concat(CASE WHEN plain THEN coalesce(position, ${unknownPosition}) END) END AS positions ` +
  `FROM ${pageOf(`key, position, ${shortOr("''", "result")} AS short`)}`;

type PageRow = {
  readonly rows: number;
  readonly last: number;
  readonly plain: number;
  readonly ids: string;
  readonly keys: string;
  readonly results: string | null;
  readonly positions: string | null;
};

/** When the attempt began that the end of the last session has interrupted: see `keepInterrupted`. */
const interruptedSql =
  "(SELECT a.started_at FROM task_attempts AS a WHERE a.run_id = task_runs.run_id AND a.task_id = task_runs.id " +
  "AND a.attempt = task_runs.attempt + 1 AND a.started_at = task_runs.started_at AND a.outcome = 'interrupted' LIMIT 1)";

/**
 * How many of the attempts that are over were interrupted. An attempt may have several rows: after the run's death it has the same number
 * again, and a task that has failed begins with its first one again. The last row counts.
 */
const interruptionsSql =
  "(SELECT count(*) FROM task_attempts AS a WHERE a.run_id = task_runs.run_id AND a.task_id = task_runs.id " +
  "AND a.attempt <= task_runs.attempt AND a.outcome = 'interrupted' AND NOT EXISTS " +
  "(SELECT 1 FROM task_attempts AS b WHERE b.run_id = a.run_id AND b.task_id = a.task_id AND b.attempt = a.attempt AND b.rowid > a.rowid))";

const otherColumns =
  "key, status, attempt, cursor, position, CASE WHEN status <> 'done' THEN name END AS name, " +
  `CASE WHEN status = 'queued' AND started_at IS NOT NULL THEN ${interruptedSql} END AS startedAt, ` +
  `CASE WHEN status NOT IN ('done', 'error') AND attempt > 0 THEN ${interruptionsSql} ELSE 0 END AS interruptions, ` +
  `fingerprint <> '${ranDownstream}' AS isOutdated, ${passesOnSql} AS passesOn, ` +
  `status = 'done' AND ${shortOr("1", "0")} AS isStored, ` +
  `CASE status WHEN 'error' THEN ${failureSql} WHEN 'done' THEN ${shortOr("NULL", "result")} END AS result`;

/** The rows of a page that are not plain. */
const othersSql = `SELECT * FROM ${pageOf(otherColumns)} AND NOT plain ORDER BY id`;

const restoredStatuses: { readonly [status: string]: RestoredTask["status"] } = {
  done: "done",
  error: "failed",
};

/** Where a run's rows are. */
export type StoredRun = {
  readonly db: Database;
  /** As the user wrote it. */
  readonly path: string;
  readonly run: RunId;
  readonly busyHandler: BusyHandler;
  /** Its tasks run on other machines. Default false. */
  readonly hasMachines?: boolean;
};

/**
 * The run's tasks in the order of their ids, in pages. To be read before the run's first write. A run may have a million
 * tasks: callers should not keep these objects.
 * @throws StoreError `corrupt`
 */
export function* restoredPages(
  { db, path, run, busyHandler }: StoredRun,
  pageSize = 5_000,
): Generator<RestoredPage> {
  using page = db.prepare<PageRow, [number, number, number]>(pageSql);
  using others = db.prepare<TaskRow, [number, number, number]>(othersSql);
  for (let last = Number.NEGATIVE_INFINITY; ;) {
    const from = last;
    const found = busyHandler.run(() => page.get(run, from, pageSize));
    if (found === null || found.rows === 0) return;
    const { rows, plain, ids, keys, results, positions } = found;
    last = found.last;
    const tasks = rows === plain ? [] : busyHandler.run(() => others.all(run, from, pageSize));
    for (const row of tasks) {
      const column = damagedColumn(row);
      if (column === undefined) continue;
      throw damagedRow(path, `the ${column} of task ${String(row.id)} of run ${run}`);
    }
    const done = plain === 0 ? null : { ids, keys, results, positions };
    yield { tasks: tasks.map(restoredTask), done };
    if (rows < pageSize) return;
  }
}

/**
 * The column with a value that pipeloom never writes. Main passes JSON texts on unparsed: invalid JSON would fail far from
 * its cause. A status that is none would run a task a second time.
 */
function damagedColumn(row: TaskRow): keyof RestoredTask | "error" | undefined {
  const { id, key, status, attempt, name, cursor, position, result, isStored } = row;
  if (!isStoredId(id)) return "id";
  if (typeof key !== "string") return "key";
  if (!isTaskStatus(status)) return "status";
  if (!Number.isSafeInteger(attempt) || attempt < 0) return "attempt";
  if (position !== null && (!Number.isSafeInteger(position) || position < 0)) return "position";
  if (name !== null && typeof name !== "string") return "name";
  if (cursor !== null && !isJson(cursor)) return "cursor";
  if (status === "error" && !isJson(result)) return "error";
  return status === "done" && isStored !== 1 && !isJson(result) ? "result" : undefined;
}

/** "null" is the result of most tasks, and there may be millions. */
const isJson = (text: unknown): boolean =>
  text === "null" || (typeof text === "string" && isJsonText(text));

const restoredTask = (row: TaskRow): RestoredTask => ({
  id: taskId(row.id),
  key: row.key,
  status: restoredStatuses[row.status] ?? "open",
  attempt: row.attempt,
  result: row.result,
  cursor: row.cursor,
  position: positionOf(row.id, row.position),
  ...(row.interruptions === 0 ? undefined : { interruptions: row.interruptions }),
  ...(row.startedAt === null ? undefined : { startedAt: Date.parse(row.startedAt) }),
  ...(row.name === null ? undefined : { name: row.name }),
  ...(row.isOutdated === 1 ? { isOutdated: true } : undefined),
  ...(row.passesOn === 1 ? { passesOn: true } : undefined),
});

/** Bounds memory: a result on its way to main is in memory twice. */
const maxPageChars = 8 * 1024 * 1024;

/** Long results in the order of `ids`, in pages. A page ends with the result that reaches `maxChars`. */
export function* storedResults(
  { db, path, run, busyHandler }: StoredRun,
  ids: readonly TaskId[],
  maxChars = maxPageChars,
): Generator<readonly StoredResult[]> {
  using rows = db.prepare<{ result: string | null }, [number, number]>(
    "SELECT result FROM task_runs WHERE run_id = ? AND id = ? AND status = 'done'",
  );
  let page: StoredResult[] = [];
  let chars = 0;
  for (const id of ids) {
    const result = busyHandler.run(() => rows.get(run, id))?.result;
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

/** More lines than a machine sends without an acknowledgement (protocol/shared/credits.ts). */
const mostLines = 20_000;

/** The last lines of an attempt. */
export function lastLines(
  { db, run, busyHandler }: Pick<StoredRun, "db" | "run" | "busyHandler">,
  id: TaskId,
  attempt: number,
): readonly StoredLine[] {
  using lines = db.prepare<StoredLine, [number, number, number]>(
    `SELECT at, level, line FROM task_logs WHERE run_id = ? AND task_id = ? AND attempt = ? ORDER BY rowid DESC LIMIT ${mostLines}`,
  );
  return busyHandler.run(() => lines.all(run, id, attempt));
}
