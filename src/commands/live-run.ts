// Runs of other processes: found by their database, and asked to end.

import { appendFileSync, existsSync, realpathSync } from "node:fs";

import { reasonOf } from "../base/system-error.ts";
import { defineFlags } from "../cli/flag-defs.ts";
import { quote } from "../cli/flag-values.ts";
import { UsageError } from "../cli/usage-error.ts";
import { UserError } from "../cli/user-error.ts";
import { controlPath, type ControlRequest } from "../protocol/control-file.ts";
import { type RunId, runId } from "../protocol/ids.ts";
import { commandWord, dbFlag, pipeloomCommand } from "../protocol/pipeloom-command.ts";
import { isRunAlive, type RunProcess } from "../store/liveness.ts";
import { overview, type SeenRun } from "../store/read/overview.ts";
import { asUserError, waitingReader } from "./waiting-reader.ts";

/** @throws UsageError */
export function idOf(text: string): RunId {
  const id = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(id) && id > 0) return runId(id);
  throw new UsageError(`<run-id> must be a whole number of at least 1, not ${quote(text)}`);
}

export const liveRunArg = defineFlags({
  run: {
    type: "positional",
    required: false,
    valueHint: "run-id",
    description: "the run; optional when only one is running",
  },
});

export const idIn = ({ run }: { readonly run?: string | undefined }): RunId | undefined =>
  run === undefined ? undefined : idOf(run);

/**
 * @param command is named in the next step
 * @throws UserError
 */
export function findLiveRun(
  db: string,
  wanted: RunId | undefined,
  command: "attach" | "cancel",
): SeenRun {
  const alive = runsIn(db).filter((run) => run.status === "running");
  const found = wanted === undefined ? alive : alive.filter((run) => run.id === wanted);
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  const known = alive.map((run) => `${run.id} (${run.pipeline})`).join(", ");
  if (only !== undefined) {
    throw new UserError(
      `${db}: several runs are active: ${known}`,
      `say which: pipeloom ${command} <run-id> ${dbFlag(db).map(commandWord).join(" ")}`,
    );
  }
  throw new UserError(
    wanted === undefined ? `${db}: no run is active` : endIn(db, wanted),
    known === ""
      ? `to see the runs: ${pipeloomCommand("status", ...dbFlag(db))}`
      : `active: ${known}`,
  );
}

/** `run 12 (etl) has ended: done`, or why that is not known */
export function endOf(db: string, id: RunId): string {
  try {
    return endIn(db, id);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** @throws UserError where there is no such run */
function endIn(db: string, id: RunId): string {
  const [run] = runsIn(db, id);
  if (run === undefined) throw new Error(`Internal error: run ${id} is neither there nor missing`);
  const how = run.status === "interrupted" ? "interrupted, its process is dead" : run.status;
  return `run ${id} (${run.pipeline}) has ended: ${how}`;
}

function runsIn(db: string, run?: RunId): readonly SeenRun[] {
  try {
    using reader = waitingReader(db);
    const isAlive = (each: RunProcess): boolean => isRunAlive(db, each);
    const only = run === undefined ? {} : { run };
    return overview(reader, { maxRuns: 1000, maxTasks: 0, isAlive, ...only }).runs;
  } catch (error) {
    throw asUserError(error);
  }
}

/** @throws UserError */
export function askToEnd(db: string, run: SeenRun, request: ControlRequest): void {
  const path = controlPath(realpathSync(db), run.id);
  const pid =
    run.pid === null ? "" : ` (pid ${run.pid}${run.host === null ? "" : ` on ${run.host}`})`;
  // The run creates this file. Appending to a missing one would leave a stray file behind.
  if (!existsSync(path)) {
    throw new UserError(
      `run ${run.id} does not listen: ${path} is missing`,
      `end its process instead${pid}`,
    );
  }
  try {
    appendFileSync(path, `${request}\n`);
  } catch (error) {
    throw new UserError(
      `cannot cancel run ${run.id}: cannot write ${path}: ${reasonOf(error)}`,
      `the user who started the run can cancel it; or end its process${pid}`,
    );
  }
}
