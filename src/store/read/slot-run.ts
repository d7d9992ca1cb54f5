// The run of a slot, for a request with `scheduledFor`. A slot of a pipeline has one run: it is continued until it is done, and
// then never runs again. Runs of other slots, and runs without one, do not count: two slots may run at once.

import type { Database } from "bun:sqlite";

import type { RunId } from "../../protocol/ids.ts";
import { dbFlag, pipeloomCommand } from "../../protocol/pipeloom-command.ts";
import type { RunRequest } from "../../protocol/run-request.ts";
import { isRunAlive, RunAliveError } from "../liveness.ts";
import { StoreError } from "../store-error.ts";
import { mayContinue, type RunRow, runRows } from "./run-rows.ts";

export class SlotDoneError extends StoreError {
  readonly slot: string;
  readonly run: RunId;
  constructor(path: string, slot: string, run: RunId) {
    super(
      "slot-done",
      `the slot ${slot} is done: run ${run} in ${path}; ` +
        `to run its tasks again, name them with --rerun <task>, or all that failed with --rerun failed`,
    );
    this.slot = slot;
    this.run = run;
  }
}

/**
 * Undefined: a new run starts.
 * @throws RunAliveError; SlotDoneError; StoreError `slot-taken` for a run of another file or other params; `no-such-run`
 */
export function slotRun(
  db: Database,
  path: string,
  request: RunRequest,
  slot: string,
): RunRow | undefined {
  // In a file of an older version, no row has the column.
  const run = Iterator.from(runRows(db, "pipeline = ?", request.pipeline)).find(
    ({ scheduledFor }) => scheduledFor === slot,
  );
  if (run === undefined) return noRun(path, request, slot);
  if (run.file !== request.file) throw slotTaken(path, run, slot, `the file ${run.file}`);
  if (!mayContinue(run, request)) throw slotTaken(path, run, slot, `the params ${run.params}`);
  if (run.status === "running" && isRunAlive(path, run)) throw new RunAliveError(path, run, false);
  if (run.status === "done" && request.resume !== "newest") {
    throw new SlotDoneError(path, slot, run.id);
  }
  return run;
}

function noRun(path: string, { pipeline, resume }: RunRequest, slot: string): undefined {
  if (resume !== "newest") return undefined;
  throw new StoreError(
    "no-such-run",
    `${path} has no run of "${pipeline}" for the slot ${slot}; leave out --rerun to start one`,
  );
}

const slotTaken = (path: string, run: RunRow, slot: string, other: string): StoreError =>
  new StoreError(
    "slot-taken",
    `the slot ${slot} of "${run.pipeline}" has run ${run.id} in ${path}, of ${other}, and a slot has one run: ` +
      `give another pipeline a name or a database of its own; ` +
      `${pipeloomCommand("status", "--run", run.id, ...dbFlag(path))} shows that run`,
  );

/** The last slot before `slot` whose run is done. */
export function previousSlot(db: Database, pipeline: string, slot: string): string | null {
  using rows = db.prepare<{ previous: string | null }, [string, string]>(
    "SELECT MAX(scheduled_for) AS previous FROM pipeline_runs WHERE pipeline = ? AND scheduled_for < ? AND status = 'done'",
  );
  return rows.get(pipeline, slot)?.previous ?? null;
}
