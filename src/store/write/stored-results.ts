// Reads long results of a run's earlier sessions. They stay in the database until main asks for them.

import type { Database } from "bun:sqlite";

import type { RunId, TaskId } from "../../protocol/ids.ts";
import type { Patience } from "../patience.ts";
import type { StoredResult } from "./history.ts";

/** Bounds memory: a result on its way to main is in memory twice. */
const pageChars = 8 * 1024 * 1024;

/** In the order of `ids`. A page ends with the result that exceeds `maxChars`. */
export function* storedResults(
  db: Database,
  run: RunId,
  ids: readonly TaskId[],
  patience: Patience,
  maxChars = pageChars,
): Generator<readonly StoredResult[]> {
  using rows = db.prepare<{ result: string | null }, [number, number]>(
    "SELECT result FROM task_runs WHERE run_id = ? AND id = ? AND status = 'done'",
  );
  let page: StoredResult[] = [];
  let chars = 0;
  for (const id of ids) {
    const result = patience.run(() => rows.get(run, id))?.result;
    if (typeof result !== "string") {
      throw new Error(`the result of task ${id} of run ${run} is gone; --fresh starts a new run`);
    }
    page.push([id, result]);
    chars += result.length;
    if (chars < maxChars) continue;
    yield page;
    page = [];
    chars = 0;
  }
  if (page.length > 0) yield page;
}
