// `pipeloom cancel [run]`: asks a run that goes on in another terminal to end, as its first Ctrl-C would.

import { appendFileSync, existsSync, realpathSync } from "node:fs";

import { controlPath, type ControlRequest } from "../protocol/control.ts";
import { openReader } from "../reader/query.ts";
import { ReaderError } from "../reader/reader-error.ts";
import { overview, type SeenRun } from "../reader/runs.ts";
import { isRunAlive } from "../writer/liveness.ts";
import { defineCliCommand } from "./command.ts";
import { databaseOf, defaultDbHint } from "./default-db.ts";
import { UserError } from "./user-error.ts";

/** A run waits 10 s for its tasks; then it takes a moment to write. */
const patienceMs = 15_000;
const lookEveryMs = 100;

export const command = defineCliCommand({
  name: "cancel",
  details:
    "The run starts nothing new, tells its tasks, waits for them for 10 s at most, and ends as cancelled. What is committed stays; --resume continues it.",
  examples: [
    { line: "pipeloom cancel", what: "the run that is going on in this folder's database" },
    { line: "pipeloom cancel 12 --now", what: "run 12, without waiting for its tasks" },
  ],
  args: {
    run: {
      type: "positional",
      required: false,
      valueHint: "run-id",
      description: "the run; may be left out when only one goes on",
    },
    db: {
      type: "string",
      valueHint: "db",
      defaultHint: defaultDbHint,
      description: "the database",
    },
    now: { type: "boolean", description: "end the threads at once" },
    wait: {
      type: "boolean",
      default: true,
      description: "return when the run has ended",
      negativeDescription: "return at once",
    },
  },
  async run(flags) {
    const db = databaseOf(flags.db);
    const run = findRun(db, flags.run);
    ask(db, run, flags.now ? "urgent" : "cancel");
    if (!flags.wait) {
      process.stderr.write(`asked run ${run.id} (${run.pipeline}) to end\n`);
      return 0;
    }
    await untilEnded(db, run);
    process.stderr.write(`run ${run.id} (${run.pipeline}) has ended\n`);
    return 0;
  },
});

function findRun(db: string, wanted: string | undefined): SeenRun {
  const alive = aliveRuns(db);
  const known = alive.map((run) => `${run.id} (${run.pipeline})`).join(", ");
  if (wanted === undefined) {
    const [only, ...others] = alive;
    if (only === undefined)
      throw new UserError(`${db}: no run is going on`, `pipeloom status --db ${db} shows the runs`);
    if (others.length > 0)
      throw new UserError(
        `${db}: several runs are going on: ${known}`,
        "say which: pipeloom cancel <run>",
      );
    return only;
  }
  const found = alive.find((run) => String(run.id) === wanted);
  if (found !== undefined) return found;
  throw new UserError(
    `${db}: run ${wanted} is not going on`,
    known === "" ? "no run is" : `these are: ${known}`,
  );
}

function aliveRuns(db: string): readonly SeenRun[] {
  try {
    using reader = openReader(db);
    const { runs } = overview(reader, {
      maxRuns: 1000,
      maxTasks: 0,
      isAlive: (run) => isRunAlive(db, run),
    });
    return runs.filter((run) => run.status === "running");
  } catch (error) {
    if (error instanceof ReaderError) throw new UserError(error.message);
    throw error;
  }
}

function ask(db: string, run: SeenRun, request: ControlRequest): void {
  const path = controlPath(realpathSync(db), run.id);
  const pid =
    run.pid === null ? "" : ` (pid ${run.pid}${run.host === null ? "" : ` on ${run.host}`})`;
  // Made by the run: appending to one that is not there would only leave a file behind.
  if (!existsSync(path)) {
    throw new UserError(
      `run ${run.id} does not listen: ${path} is missing`,
      `end its process instead${pid}`,
    );
  }
  try {
    appendFileSync(path, `${request}\n`);
  } catch {
    throw new UserError(
      `run ${run.id} is another user's: ${path} cannot be written`,
      `ask them, or end its process${pid}`,
    );
  }
}

async function untilEnded(db: string, run: SeenRun): Promise<void> {
  for (const until = Date.now() + patienceMs; isRunAlive(db, run);) {
    if (Date.now() > until) {
      throw new UserError(
        `run ${run.id} has not ended after ${patienceMs / 1000} s`,
        "to end its threads: pipeloom cancel --now",
      );
    }
    await Bun.sleep(lookEveryMs);
  }
}
