// `pipeloom attach [run]`: shows a run of another process as if it were here, by reading its file.

import { existsSync } from "node:fs";

import { systemClock } from "../base/clock.ts";
import { Date, Promise } from "../base/globals.ts";
import { pathOf } from "../base/path.ts";
import { relative } from "../base/text.ts";
import { defineCliCommand } from "../cli/command.ts";
import { UserError } from "../cli/user-error.ts";
import { titleOf } from "../protocol/label.ts";
import { pathWord } from "../protocol/pipeloom-command.ts";
import type { RunSummary } from "../protocol/summary.ts";
import { isRunAlive } from "../store/liveness.ts";
import { failureGroups } from "../store/read/failed-tasks.ts";
import type { SeenRun } from "../store/read/overview.ts";
import { goOnWords } from "./go-on-words.ts";
import { isRunning } from "../store/read/running-runs.ts";
import type { Reader } from "../store/read/reader.ts";
import { RunFollower } from "../store/read/run-follower.ts";
import { endedSummary } from "../store/read/ended-summary.ts";
import { RunForecast } from "../store/read/run-forecast.ts";
import { createUi, type PacedUi, type UiOptions } from "../terminal/create-ui.ts";
import { jsonFlag, verbosities, verbosityFlags, verbosityOf } from "./common-flags.ts";
import { databaseOf, readDbFlag } from "./default-db.ts";
import { askToEnd, endOf, findLiveRun, idIn, liveRunArg } from "./live-run.ts";
import { asUserError, busyHandlerFor, waitingReader } from "./waiting-reader.ts";

import { listenToKeys } from "./keys.ts";
import { lossNotice } from "./lost-outputs.ts";

/** How often the file is looked at. */
const everyMs = 200;
/** A look at a large run takes long. Resting 4 times as long limits that to a fifth of the time. */
const rest = 4;
/** How long the last lines may take to be read. Events are read by a program, which gets all of them. */
const stallMs = 2_000;

export const command = defineCliCommand({
  meta: {
    name: "attach",
    details:
      "Shows the bars and the log of a run in another terminal. Ctrl-C or q leaves the run alone; c stops it as its own Ctrl-C would, and c again stops it now. In a pipe it prints lines. With --json: what the file tells, as the events of run; a task that begins and ends between two looks has only its end. Ends with the run: exit code 0 if all is done, 1 if not.",
    examples: [
      { line: "pipeloom attach", what: "the run in this folder's database" },
      { line: "pipeloom attach 12", what: "run 12, if several are running" },
    ],
  },
  args: {
    ...liveRunArg,
    db: readDbFlag,
    json: jsonFlag,
    ...verbosityFlags,
  },
  async run(flags) {
    const output = {
      json: flags.json,
      verbosity: verbosities[verbosityOf(flags.quiet, flags.verbose)],
    };
    const db = databaseOf(flags.db, flags.json || flags.quiet);
    const run = findLiveRun(db, idIn(flags), "attach");
    try {
      using reader = waitingReader(db);
      return await new Attached(reader, run, output).untilOver();
    } catch (thrown) {
      throw asUserError(thrown);
    }
  },
});

/** Undefined for a pipeline that ships inside. */
const againWords = (run: SeenRun): readonly string[] | undefined =>
  run.file === null ? undefined : goOnWords(pathWord(relative(run.file, process.cwd())), run);

class Attached {
  readonly #reader: Reader;
  readonly #run: SeenRun;
  readonly #follower: RunFollower;
  readonly #ui: PacedUi;
  /** Resolves to the exit code when the user leaves. */
  readonly #left = Promise.withResolvers<number>();
  readonly #stallMs: number;
  /** Tasks of the run, as far as they are known. */
  #total = 0;
  #isIncomplete = false;
  #isOver = false;
  #asked = 0;

  constructor(reader: Reader, run: SeenRun, output: Pick<UiOptions, "json" | "verbosity">) {
    this.#reader = reader;
    this.#run = run;
    const { json, verbosity } = output;
    this.#stallMs = json ? Number.POSITIVE_INFINITY : stallMs;
    this.#follower = new RunFollower(reader, run.id, json || verbosity > 0 ? "all" : "failures");
    const { stdout, stderr, env } = process;
    const forecast = new RunForecast(reader, run);
    this.#ui = createUi({
      json,
      verbosity,
      logFile: undefined,
      stdout,
      stderr,
      env,
      isTty: stderr.isTTY,
      again: againWords(run),
      learned: () => forecast.remainingMs(this.#total),
      onLost: (lost) => {
        // What is not read within the time limit is no loss.
        if (!json || this.#isOver) return;
        this.#isIncomplete = true;
        this.#ui.log("error", lossNotice(lost));
      },
    });
  }

  async untilOver(): Promise<number> {
    const unlisten = listenToKeys({
      leave: (code) => this.#left.resolve(code),
      pressed: (key) => {
        if (key === "c" || key === "C") this.#askToEnd();
      },
    });
    this.#begin();
    try {
      const code = await this.#follow();
      this.#isOver = true;
      this.#ui.close();
      await Promise.race([
        this.#ui.written(this.#stallMs),
        this.#left.promise.then(() => this.#ui.written(stallMs)),
      ]);
      return code === 0 && this.#isIncomplete ? 1 : code;
    } finally {
      unlisten();
      this.#ui.close();
    }
  }

  #begin(): void {
    const { id, pipeline, file, startedAt } = this.#run;
    this.#ui.log(
      "info",
      `attached to run ${id} (${pipeline}): Ctrl-C leaves it running, c stops it`,
    );
    this.#ui.attached({
      type: "run-attached",
      run: id,
      pipeline,
      file,
      db: pathOf(this.#reader.path, process.cwd()),
      startedAt: Date.parse(startedAt),
      at: systemClock.wall(),
    });
  }

  /** @returns the exit code */
  async #follow(): Promise<number> {
    for (;;) {
      // Asked before the rows are read: a run commits its last rows before it ends.
      const began = systemClock.now();
      const goesOn = isRunning(this.#reader, this.#run.id, (run) =>
        isRunAlive(this.#reader.path, run),
      );
      const hasMore = this.#show(!goesOn);
      if (!goesOn && !hasMore) return this.#over();
      const tookMs = systemClock.now() - began;
      const restMs = hasMore ? 0 : Math.max(everyMs, rest * tookMs);
      const pause = Promise.all([Bun.sleep(restMs), this.#ui.behind()]).then(() => undefined);
      const left = await Promise.race([pause, this.#left.promise]);
      if (left !== undefined) return left;
    }
  }

  /**
   * @param isLast the run has ended
   * @returns whether there is more to be shown at once
   */
  #show(isLast: boolean): boolean {
    const followed = this.#follower.next(isLast);
    if (followed === undefined) return false;
    for (const event of followed.events) {
      if (event.type === "run-total") this.#total = event.total;
    }
    this.#ui.events(followed.events);
    const { counts, left } = followed;
    this.#ui.followed({ startedAt: Date.parse(this.#run.startedAt), counts, left });
    return followed.hasMore;
  }

  /** @returns the exit code */
  #over(): number {
    const { path } = this.#reader;
    const { id } = this.#run;
    const isThere = existsSync(path);
    const summary = isThere ? busyHandlerFor(path).run(() => endedSummary(path, id)) : undefined;
    if (summary === undefined) {
      const gone = `${path} was moved or deleted, so run ${id} could not go on; put the file back, and continue the run`;
      this.#ui.log("error", isThere ? endOf(path, id) : gone);
      return 1;
    }
    const { status, finishedAt: at, failure } = summary;
    const why = failure === null ? {} : { failure };
    const { definitions, rows, cpuMs } = summary;
    const costs = {
      ...(definitions === undefined ? {} : { definitions }),
      ...(rows === undefined ? {} : { rows }),
      ...(cpuMs === undefined ? {} : { cpuMs }),
    };
    this.#ui.events([{ type: "run-finished", run: id, status, at, ...why, ...costs }]);
    this.#ui.finish({ ...summary, ...this.#failures() });
    return summary.status === "done" ? 0 : 1;
  }

  #failures(): Pick<RunSummary, "failures" | "failureGroups"> {
    const groups = failureGroups(this.#reader, this.#run.id);
    return {
      failures: [],
      failureGroups: groups.map(({ message, count, tasks }) => ({
        message,
        count,
        tasks: tasks.map(({ name, label }) => titleOf(name, label)),
      })),
    };
  }

  #askToEnd(): void {
    const isUrgent = this.#asked++ > 0;
    try {
      askToEnd(this.#reader.path, this.#run, isUrgent ? "urgent" : "cancel");
      this.#ui.log(
        "warn",
        isUrgent
          ? "asked the run to stop now"
          : "asked the run to stop; press c again to stop it now",
      );
    } catch (thrown) {
      if (!(thrown instanceof UserError)) throw thrown;
      this.#ui.log("error", thrown.message);
    }
  }
}
