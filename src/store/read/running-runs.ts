// Which runs are running: their rows say so, and their processes are alive.

import type { RunId } from "../../protocol/ids.ts";
import type { RunProcess } from "../liveness.ts";
import type { Reader, Row } from "./reader.ts";
import { number, storedRunId, text } from "./stored-values.ts";

/** Whether a run is alive whose row says `running`; see store/liveness.ts. */
export type IsAlive = (run: RunProcess) => boolean;

/** The runs whose rows say `running`. */
export function runningRuns(
  reader: Reader,
  isAlive: IsAlive,
): { readonly live: readonly RunId[]; readonly dead: ReadonlySet<number> } {
  // `*`, because a file of version 1 lacks some of the columns.
  const running = reader
    .query("SELECT * FROM pipeline_runs WHERE status = 'running'")
    .map((row) => runProcess(row, reader));
  const live = running.filter(isAlive).map(({ id }) => id);
  const dead = running.map(({ id }) => id).filter((id) => !live.includes(id));
  return { live, dead: new Set(dead) };
}

export function isRunning(reader: Reader, run: RunId, isAlive: IsAlive): boolean {
  const [row] = reader.query("SELECT * FROM pipeline_runs WHERE id = ?", [run]);
  return row?.["status"] === "running" && isAlive(runProcess(row, reader));
}

export const runProcess = (row: Row, reader: Reader): RunProcess => ({
  id: storedRunId(row["id"], reader),
  pid: number(row["pid"]),
  host: text(row["host"]),
  processStartedAt: text(row["process_started_at"]),
});
