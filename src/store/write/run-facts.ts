// What the file of a run says, whoever killed the run: for the command that kills it on purpose.

import { Database } from "bun:sqlite";

import { reasonOf } from "../../base/system-error.ts";
import { isLeftSql } from "../left-rows.ts";
import { sqliteCode } from "../sqlite-error.ts";

export type RunFacts = {
  readonly id: number;
  /** `running` for a run that was killed. */
  readonly status: string;
  /** By id of a task that is done, be it in the last plan or not: what a second execution would change. */
  readonly done: ReadonlyMap<number, string>;
};

export type FileFacts =
  | { readonly type: "damaged"; readonly reason: string }
  | {
      readonly type: "sound";
      /** Id of the newest run; 0 without one. */
      readonly lastRun: number;
      /** The newest run after `after`. */
      readonly run: RunFacts | undefined;
    };

/**
 * Checks the whole file. An unfinished transaction is rolled back, so the path must be that of a copy.
 * @param after id of a run; only later ones are looked at
 */
export function readFileFacts(path: string, after: number): FileFacts {
  try {
    using db = new Database(path);
    const problems = db.query<{ integrity_check: string }, []>("PRAGMA integrity_check").all();
    const problem = problems.find(({ integrity_check: text }) => text !== "ok");
    if (problem !== undefined) return { type: "damaged", reason: problem.integrity_check };
    return { type: "sound", ...runsIn(db, after) };
  } catch (thrown) {
    if (!/^SQLITE_(?:CORRUPT|NOTADB)/.test(sqliteCode(thrown) ?? "")) throw thrown;
    return { type: "damaged", reason: reasonOf(thrown) };
  }
}

function runsIn(db: Database, after: number): { lastRun: number; run: RunFacts | undefined } {
  const table = "SELECT 1 FROM sqlite_schema WHERE name = 'task_runs'";
  if (db.query(table).get() === null) return { lastRun: 0, run: undefined };
  const newest = db
    .query<{ id: number; status: string }, []>(
      "SELECT id, status FROM pipeline_runs ORDER BY id DESC LIMIT 1",
    )
    .get();
  if (newest === null) return { lastRun: 0, run: undefined };
  if (newest.id <= after) return { lastRun: newest.id, run: undefined };
  const done = db
    .query<{ id: number; stamp: string }, [number]>(
      "SELECT id, attempt || ' ' || started_at || ' ' || finished_at AS stamp FROM task_runs " +
        `WHERE run_id = ? AND (status = 'done' OR ${isLeftSql})`,
    )
    .all(newest.id);
  return {
    lastRun: newest.id,
    run: { ...newest, done: new Map(done.map(({ id, stamp }) => [id, stamp])) },
  };
}
