// `pipeloom cancel [run]`: ends a run of another process, as its first Ctrl-C would.

import { systemClock } from "../base/clock.ts";
import { defineCliCommand } from "../cli/command.ts";
import { UserError } from "../cli/user-error.ts";
import { dbFlag, pipeloomCommand } from "../protocol/pipeloom-command.ts";
import { isRunAlive } from "../store/liveness.ts";
import type { SeenRun } from "../store/read/overview.ts";
import { databaseOf, readDbFlag } from "./default-db.ts";
import { askToEnd, endOf, findLiveRun, idIn, liveRunArg } from "./live-run.ts";

/** A run waits 10 s for its tasks, and then commits. */
const endWithinMs = 15_000;
const lookEveryMs = 100;

export const command = defineCliCommand({
  meta: {
    name: "cancel",
    details:
      "The run starts no more tasks, aborts ctx.signal, waits up to 10 s for running tasks, and ends as cancelled. What is committed stays; --resume continues the run.",
    examples: [
      { line: "pipeloom cancel", what: "the run in this folder's database" },
      { line: "pipeloom cancel 12 --now", what: "run 12, without waiting for its tasks" },
    ],
  },
  args: {
    ...liveRunArg,
    db: readDbFlag,
    now: { type: "boolean", description: "do not wait for running tasks" },
    wait: {
      type: "boolean",
      default: true,
      description: "return when the run has ended",
      negativeDescription: "return at once",
    },
  },
  async run(flags) {
    const db = databaseOf(flags.db, false);
    const run = findLiveRun(db, idIn(flags), "cancel");
    if (isRunAlive(db, run)) askToEnd(db, run, flags.now ? "urgent" : "cancel");
    if (!flags.wait) {
      process.stderr.write(`asked run ${run.id} (${run.pipeline}) to stop\n`);
      return 0;
    }
    await untilEnded(db, run);
    process.stderr.write(`${endOf(db, run.id)}\n`);
    return 0;
  },
});

async function untilEnded(db: string, run: SeenRun): Promise<void> {
  for (const until = systemClock.now() + endWithinMs; isRunAlive(db, run);) {
    if (systemClock.now() > until) {
      throw new UserError(
        `run ${run.id} has not ended after ${endWithinMs / 1000} s`,
        `to end its threads: ${pipeloomCommand("cancel", run.id, "--now", ...dbFlag(db))}`,
      );
    }
    await Bun.sleep(lookEveryMs);
  }
}
