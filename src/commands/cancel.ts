// `pipeloom cancel [run]`: ends a run of another process, as its first Ctrl-C would.

import { appendFileSync, existsSync, realpathSync } from "node:fs";

import { systemClock } from "../base/clock.ts";
import { controlPath, type ControlRequest } from "../protocol/control-file.ts";
import { type RunId, runId } from "../protocol/ids.ts";
import { patientReader } from "./patient-reader.ts";
import { ReaderError } from "../store/read/reader-error.ts";
import { overview, type SeenRun } from "../store/read/overview.ts";
import { reasonOf } from "../base/system-error.ts";
import { isRunAlive, type RunProcess } from "../store/liveness.ts";
import { defineCliCommand } from "../cli/command.ts";
import { databaseOf, defaultDbHint } from "./default-db.ts";
import { quote } from "../cli/flag-values.ts";
import { UsageError } from "../cli/usage-error.ts";
import { UserError } from "../cli/user-error.ts";

/** A run waits 10 s for its tasks, and then commits. */
const patienceMs = 15_000;
const lookEveryMs = 100;

export const command = defineCliCommand({
  meta: {
    name: "cancel",
    details:
      "The run starts no more tasks, aborts ctx.signal, waits at most 10 s for running tasks, and ends as cancelled. Committed work stays; --resume continues the run.",
    examples: [
      { line: "pipeloom cancel", what: "the run in this folder's database" },
      { line: "pipeloom cancel 12 --now", what: "run 12, without waiting for its tasks" },
    ],
  },
  args: {
    run: {
      type: "positional",
      required: false,
      valueHint: "run-id",
      description: "the run; optional when only one is running",
    },
    db: {
      type: "string",
      valueHint: "db",
      defaultHint: defaultDbHint,
      description: "the database",
    },
    now: { type: "boolean", description: "terminate the threads at once" },
    wait: {
      type: "boolean",
      default: true,
      description: "return when the run has ended",
      negativeDescription: "return at once",
    },
  },
  async run(flags) {
    const db = databaseOf(flags.db);
    const wanted = flags.run === undefined ? undefined : idOf(flags.run);
    const run = findRun(db, wanted);
    if (isRunAlive(db, run)) ask(db, run, flags.now ? "urgent" : "cancel");
    if (!flags.wait) {
      process.stderr.write(`asked run ${run.id} (${run.pipeline}) to end\n`);
      return 0;
    }
    await untilEnded(db, run);
    process.stderr.write(`${endOf(db, run.id)}\n`);
    return 0;
  },
});

function idOf(text: string): RunId {
  const id = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(id) && id > 0) return runId(id);
  throw new UsageError(`<run-id> must be a whole number of at least 1, not ${quote(text)}`);
}

function findRun(db: string, wanted: RunId | undefined): SeenRun {
  const alive = runsIn(db).filter((run) => run.status === "running");
  const found = wanted === undefined ? alive : alive.filter((run) => run.id === wanted);
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  const known = alive.map((run) => `${run.id} (${run.pipeline})`).join(", ");
  if (only !== undefined) {
    throw new UserError(
      `${db}: several runs are active: ${known}`,
      `say which: pipeloom cancel <run-id> --db ${db}`,
    );
  }
  throw new UserError(
    wanted === undefined ? `${db}: no run is active` : endOf(db, wanted),
    known === "" ? `to see the runs: pipeloom status --db ${db}` : `active: ${known}`,
  );
}

/** `run 12 (etl) has ended: done` */
function endOf(db: string, id: RunId): string {
  try {
    const [run] = runsIn(db, id);
    if (run === undefined)
      throw new Error(`Internal error: run ${id} is neither there nor missing`);
    const how = run.status === "interrupted" ? "interrupted, its process is dead" : run.status;
    return `run ${id} (${run.pipeline}) has ended: ${how}`;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

function runsIn(db: string, run?: RunId): readonly SeenRun[] {
  try {
    using reader = patientReader(db);
    const isAlive = (each: RunProcess): boolean => isRunAlive(db, each);
    const only = run === undefined ? {} : { run };
    return overview(reader, { maxRuns: 1000, maxTasks: 0, isAlive, ...only }).runs;
  } catch (error) {
    if (error instanceof ReaderError) throw new UserError(error.message);
    throw error;
  }
}

function ask(db: string, run: SeenRun, request: ControlRequest): void {
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

async function untilEnded(db: string, run: SeenRun): Promise<void> {
  for (const until = systemClock.now() + patienceMs; isRunAlive(db, run);) {
    if (systemClock.now() > until) {
      throw new UserError(
        `run ${run.id} has not ended after ${patienceMs / 1000} s`,
        `to end its threads: pipeloom cancel ${run.id} --now --db ${db}`,
      );
    }
    await Bun.sleep(lookEveryMs);
  }
}
