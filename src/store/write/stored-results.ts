// Results that earlier sessions of a run stored and that are too long to be told when the run is continued: main asks for
// those that it needs.

import type { Database } from "bun:sqlite";

import type { RunId, TaskId } from "../../protocol/ids.ts";
import type { Patience } from "../patience.ts";

export type StoredResult = readonly [id: TaskId, result: string];

/** What is read before it is handed over: a result is in memory twice while it is on its way. */
const pageChars = 8 * 1024 * 1024;

/** In the order of `ids`, in pages of so many characters and one result more. */
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
      throw new Error(`the result of task ${id} of run ${run} is gone; --fresh starts anew`);
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
