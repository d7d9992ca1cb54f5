// Flags of every command that runs a pipeline.

import { maxConcurrency, maxWorkers } from "../engine/run-options.ts";
import type { RunPipelineOptions } from "../api/run-pipeline-options.ts";
import { type storeFlags, storeOptions } from "./common-flags.ts";
import { checkEngine } from "./engine-flag.ts";
import { defineFlags, type Flags } from "../cli/flag-defs.ts";
import { inputModes } from "../protocol/stored-input.ts";
import { UsageError } from "../cli/usage-error.ts";

export const runFlags = defineFlags({
  workers: {
    type: "string",
    valueType: "integer",
    alias: "w",
    min: 1,
    max: maxWorkers,
    defaultHint: "the number of cores",
    description: "threads that run tasks; never more than there are tasks",
  },
  concurrency: {
    type: "string",
    valueType: "integer",
    alias: "c",
    min: 1,
    max: maxConcurrency,
    defaultHint: "as many as workers",
    description: "tasks in flight; above one per thread, async tasks share a thread",
  },
  engine: {
    type: "string",
    valueHint: "url",
    description: "run the tasks where pipeloom worker runs with this Redis: redis://host:6379",
    check: checkEngine,
  },
  db: {
    type: "string",
    valueHint: "db",
    defaultHint: "the pipeline's",
    description: "the database; :memory: keeps nothing",
  },
  wal: {
    type: "boolean",
    default: true,
    description: "use SQLite's write-ahead log",
    negativeDescription: "use a rollback journal: readers and the writer wait for each other",
  },
  resume: {
    type: "string",
    valueType: "integer",
    optionalValue: true,
    min: 1,
    valueHint: "run-id",
    description:
      "continue the last unfinished run, or the given one; a dead run continues without this flag",
  },
  fresh: {
    type: "boolean",
    description: "start a new run, even if a dead run could continue or the same run is active",
  },
  rerun: {
    type: "string",
    repeat: true,
    valueHint: "task",
    description:
      "run this task again in the last run, done or not, or in that of --resume: a name, or a title as it is shown; failed: those that failed",
  },
  downstream: {
    type: "boolean",
    description:
      "with --rerun: run again what depends on these tasks too, also with the same input",
  },
  keep: {
    type: "string",
    repeat: true,
    valueHint: "task",
    description: "keep the results of this task although its code has changed",
  },
  only: {
    type: "string",
    repeat: true,
    valueHint: "input=value|task",
    description:
      "run only tasks whose input has this value, or that have this name or title, and what they need",
  },
  reuse: {
    type: "boolean",
    default: true,
    description: "take results of earlier runs, where tasks have `reuse`",
    negativeDescription: "run all tasks, also those whose result an earlier run has (`reuse`)",
  },
  wait: {
    type: "boolean",
    description: "if the same run is active, wait until it ends, and continue it if it failed",
  },
  failFast: { type: "boolean", description: "stop at the first failure" },
  inputs: {
    type: "enum",
    options: [...inputModes],
    default: "short",
    description: "store of each task's input 1,024 characters, all of it, or nothing",
  },
});

export function runOptions(
  flags: Flags<typeof runFlags> & Flags<typeof storeFlags>,
): RunPipelineOptions {
  const { workers, concurrency, engine, db, wal, wait, failFast, keep, rerun, reuse, inputs } =
    flags;
  assertThreads(flags);
  if (wait && flags.fresh) {
    throw new UsageError("--wait and --fresh exclude each other", "keep one of them");
  }
  return {
    ...storeOptions(flags),
    wal,
    wait,
    failFast,
    reuse,
    inputs,
    resume: resumeOf(flags),
    keep,
    rerun,
    downstream: isDownstream(flags),
    ...onlyOf(flags),
    ...(workers === undefined ? undefined : { workers }),
    ...(concurrency === undefined ? undefined : { concurrency }),
    ...(engine === undefined ? undefined : { engine }),
    ...(db === undefined ? undefined : { db }),
  };
}

/** @throws UsageError */
export function assertThreads({
  engine,
  workers,
}: Pick<Flags<typeof runFlags>, "engine" | "workers">): void {
  if (engine === undefined || workers === undefined) return;
  throw new UsageError(
    "--workers are threads of this machine, and --engine runs the tasks on others",
    "give it to the other machines: pipeloom worker --engine <url> --workers <n>",
  );
}

function resumeOf(
  flags: Flags<typeof runFlags> & Flags<typeof storeFlags>,
): "auto" | "fresh" | "last" | number {
  const { resume, fresh, keep, rerun } = flags;
  const asks = [
    ...(resume === undefined ? [] : ["--resume"]),
    ...(rerun.length === 0 ? [] : ["--rerun"]),
    ...(keep.length === 0 ? [] : ["--keep"]),
  ];
  for (const flag of asks) assertHistory(flag, flags);
  if (resume === undefined) return fresh ? "fresh" : "auto";
  return resume === true ? "last" : resume;
}

/** @throws UsageError where there is no earlier run that the flag could be about */
function assertHistory(
  flag: string,
  { fresh, db, storeTaskStatus }: Flags<typeof runFlags> & Flags<typeof storeFlags>,
): void {
  if (db === ":memory:") {
    throw new UsageError(`${flag} needs a file, and --db :memory: keeps nothing`, "leave out one");
  }
  if (!storeTaskStatus) {
    throw new UsageError(
      `${flag} needs the states of the tasks, and --no-store-task-status keeps none`,
      "leave out one",
    );
  }
  if (fresh) throw new UsageError(`${flag} and --fresh exclude each other`, "keep one of them");
}

/** In a value: it is one of several members, or quoted or cut, as the screen shows an input. */
const titleMarks = /\s[^\s=]+=|^".*"$|…/;

function onlyOf({
  only,
  keep,
  rerun,
}: Flags<typeof runFlags>): Pick<RunPipelineOptions, "only" | "onlyTasks"> {
  if (only.length === 0) return {};
  if (rerun.length + keep.length > 0) {
    throw new UsageError(
      "--only begins a run of its own, and --rerun and --keep are about an earlier one",
      "leave out one",
    );
  }
  const values = new Map<string, string[]>();
  const titles: string[] = [];
  for (const text of only) {
    const [, name = "", value = ""] = /^([^=\s]+)=([^]*)$/.exec(text) ?? [];
    if (name === "" || titleMarks.test(value)) titles.push(text);
    else values.set(name, [...(values.get(name) ?? []), value]);
  }
  return {
    ...(values.size === 0 ? {} : { only: Object.fromEntries(values) }),
    ...(titles.length === 0 ? {} : { onlyTasks: titles }),
  };
}

function isDownstream({ downstream, rerun }: Flags<typeof runFlags>): boolean {
  if (!downstream || rerun.length > 0) return downstream;
  throw new UsageError("--downstream goes with --rerun", "e.g. --rerun load-day --downstream");
}
