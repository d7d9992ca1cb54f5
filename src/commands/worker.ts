// `pipeloom worker`: runs tasks of runs on other machines.

import { availableParallelism, hostname } from "node:os";

import { Promise } from "../base/globals.ts";
import { plural } from "../base/text.ts";
import { defineCliCommand } from "../cli/command.ts";
import { shownEngine } from "../protocol/engine-url.ts";
import type { LogLevel } from "../protocol/status.ts";
import { isTag, tagForm, tagSetOf, tagsIn } from "../protocol/tags.ts";
import { spawnTaskWorker } from "../spawn.ts";
import { version } from "../version.ts";
import { engineFlag, engineNamed } from "./engine-flag.ts";
import { fetchLimit, keepsUsedPages, setAtStart } from "./start-variables.ts";
import { runFlags } from "./run-flags.ts";
import { exitCodeOf } from "./run-signals.ts";
import { hasScreen, WorkerOutput } from "./worker-output.ts";

export const command = defineCliCommand({
  meta: {
    name: "worker",
    details:
      "Takes tasks of every run with the same engine and the same PIPELOOM_ENGINE_KEY; it needs neither the pipeline's files nor its database. Ctrl-C or SIGTERM: it gives back what has not begun, and ends when what runs has ended; a second one ends it now, and its tasks run elsewhere.",
    examples: [
      { line: "pipeloom worker --engine redis://10.0.0.5", what: "a thread for each core" },
      { line: "pipeloom worker --engine redis://10.0.0.5 -w 8", what: "eight threads" },
      {
        line: "pipeloom worker --engine redis://10.0.0.5 --worker-tags gpu,big",
        what: 'tasks with `on: "gpu"` too',
      },
    ],
  },
  args: {
    engine: engineFlag,
    workers: { ...runFlags.workers, description: "threads that run tasks" },
    concurrency: {
      ...runFlags.concurrency,
      description: "tasks at once; above one per thread, async tasks share a thread",
    },
    workerTags: {
      type: "string",
      valueHint: "tags",
      description: "what this machine has, e.g. gpu,big: tasks that ask for it run here too",
      check: tagsOf,
    },
    once: { type: "boolean", description: "end when the first run that it has worked for is over" },
  },
  async run(flags) {
    setAtStart({ ...fetchLimit(flags.concurrency), ...keepsUsedPages });
    using output = new WorkerOutput(shownEngine(flags.engine));
    const say = (level: LogLevel, line: string): void => output.say(level, line);
    const { connection, key } = await engineNamed(flags.engine, {
      waiting: (message) => say("warn", `${message}: waiting for it`),
    });
    const [{ Machine }, { MachineName }, { WorkerPool }] = await Promise.all([
      import("../executors/redis/machine/machine.ts"),
      import("../executors/redis/machine/machine-name.ts"),
      import("../executors/threads/worker-pool.ts"),
    ]);
    const given = flags.workers ?? availableParallelism();
    const threads = Math.min(given, flags.concurrency ?? given);
    const slots = flags.concurrency ?? threads;
    const tags = flags.workerTags === undefined ? [] : tagsOf(flags.workerTags);
    const ending = new Ending();
    const machine = new Machine({
      connection,
      key,
      version,
      name: await MachineName.take(connection, hostname()),
      threads,
      slots,
      tags,
      createPool: (...args) => new WorkerPool(spawnTaskWorker, ...args),
      say,
      isShown: hasScreen(),
      idle: () => {
        if (flags.once) ending.ask();
      },
    });
    output.show(() => machine.status());
    machine.start();
    const atOnce = slots > threads ? `, ${slots} tasks at once` : "";
    const tagged =
      tags.length > 0 ? `, ${tags.length === 1 ? "tag" : "tags"} ${tags.join(", ")}` : "";
    say("info", `${plural(threads, "thread")}${atOnce}${tagged}; waits for runs`);
    await ending.asked;
    output.ending();
    const code = await Promise.race([machine.leave().then(() => 0), ending.insisted]);
    if (code !== 0) await machine.stop();
    return code;
  },
});

/** @throws Error */
function tagsOf(text: string): readonly string[] {
  const tags = text.split(",").map((tag) => tag.trim());
  const wrong = tags.find((tag) => !isTag(tag));
  if (wrong !== undefined) {
    throw new Error(`"${wrong}" is no tag: ${tagForm}, with commas between tags`);
  }
  return tagsIn(tagSetOf(tags));
}

/** The first signal asks the command to end, and that is no failure; the second insists. */
class Ending {
  readonly #asked = Promise.withResolvers<void>();
  readonly #insisted = Promise.withResolvers<number>();
  #isAsked = false;

  constructor() {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        if (this.#isAsked) this.#insisted.resolve(exitCodeOf(signal));
        this.ask();
      });
    }
  }

  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  /** Resolves with the exit code. */
  get insisted(): Promise<number> {
    return this.#insisted.promise;
  }

  ask(): void {
    this.#isAsked = true;
    this.#asked.resolve();
  }
}
