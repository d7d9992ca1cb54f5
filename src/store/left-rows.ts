// Rows of tasks that an earlier session of a run has done, and that the plan of its last session does not have. They are
// `skipped` and keep their results: the status of a run counts what its last session stands on, and a task that comes back is
// not run twice.
//
// A session that continues the run takes them for done, and decides again at its end. A session that dies leaves them done.

import type { Database } from "bun:sqlite";

import type { Failure } from "../base/failure.ts";
import { JSON } from "../base/globals.ts";
import type { RunId } from "../protocol/ids.ts";
import { ofRun } from "./own-tables.ts";

/** No other task that was skipped has a result. */
export const isLeftSql = "(status = 'skipped' AND result IS NOT NULL)";

/** Short: a run may have a million of them. */
const why: Failure = {
  name: "Skipped",
  message: "the last session did not plan it; its result is kept",
};

/** `?1` run, `?2` and `?3` the first and the last id. */
export const leaveSql = `UPDATE task_runs SET status = 'skipped', error = '${JSON.stringify(why)}'
  WHERE run_id = ?1 AND id BETWEEN ?2 AND ?3 AND status = 'done'`;

/** They keep their error until `forgetLeft`: it tells them from the other tasks that are done. */
export function reviveLeft(db: Database, run: RunId): void {
  db.run(`UPDATE task_runs SET status = 'done' WHERE ${ofRun("?1")} AND ${isLeftSql}`, [run]);
}

export function forgetLeft(db: Database, run: RunId): void {
  db.run(
    `UPDATE task_runs SET error = NULL WHERE ${ofRun("?1")} AND status = 'done' AND error IS NOT NULL`,
    [run],
  );
}
