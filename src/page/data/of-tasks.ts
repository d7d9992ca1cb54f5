// What each answer about all tasks of a run says of itself.

import { runId } from "../../protocol/ids.ts";
import { runningRuns } from "../../store/read/running-runs.ts";
import { number } from "../../store/read/stored-values.ts";
import type { OfTasks } from "../contract.ts";
import type { RunIndex } from "../index/run-index.ts";
import type { PageDatabase } from "../page-database.ts";

export type IndexedRun = {
  readonly index: RunIndex;
  /** Its process is gone, and its running tasks were interrupted. */
  readonly isDead: boolean;
  readonly about: OfTasks;
};

/** @throws NotFound, ReaderError */
export async function indexedRun(database: PageDatabase, id: number): Promise<IndexedRun> {
  const { reader, indexes, isAlive } = database;
  const index = await indexes.of(id);
  const [row] = reader.query("SELECT tasks_total FROM pipeline_runs WHERE id = ?", [runId(id)]);
  const { dead } = runningRuns(reader, isAlive);
  const { isComplete, isBehind, asOf, indexed, columns } = index;
  const planned = number(row?.["tasks_total"]);
  const about = { isComplete, isBehind, asOf, indexed, planned, isCut: columns.isCut };
  return { index, isDead: dead.has(id), about };
}
