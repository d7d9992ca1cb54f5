// Flags of every command that runs a pipeline.

import type { RunPipelineOptions } from "../run-pipeline.ts";
import { type storeFlags, storeOptions } from "./common-flags.ts";
import { defineFlags, type Flags } from "../cli/flag-defs.ts";
import { UsageError } from "../cli/usage-error.ts";

export const runFlags = defineFlags({
  workers: {
    type: "string",
    valueType: "integer",
    alias: "w",
    min: 1,
    max: 1024,
    defaultHint: "the number of cores",
    description: "threads that run tasks",
  },
  concurrency: {
    type: "string",
    valueType: "integer",
    alias: "c",
    min: 1,
    max: 100_000,
    defaultHint: "as many as workers",
    description: "tasks in flight; above one per thread, async tasks share a thread",
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
  wait: {
    type: "boolean",
    description: "if the same run is active, wait until it ends, and continue it if it failed",
  },
  failFast: { type: "boolean", description: "stop at the first failure" },
});

export function runOptions(
  flags: Flags<typeof runFlags> & Flags<typeof storeFlags>,
): RunPipelineOptions {
  const { workers, concurrency, db, wal, wait, failFast } = flags;
  if (wait && flags.fresh) {
    throw new UsageError("--wait and --fresh exclude each other", "keep one of them");
  }
  return {
    ...storeOptions(flags),
    wal,
    wait,
    failFast,
    resume: resumeOf(flags),
    ...(workers === undefined ? undefined : { workers }),
    ...(concurrency === undefined ? undefined : { concurrency }),
    ...(db === undefined ? undefined : { db }),
  };
}

function resumeOf({
  resume,
  fresh,
  db,
  storeTaskStatus,
}: Flags<typeof runFlags> & Flags<typeof storeFlags>): "auto" | "fresh" | "last" | number {
  if (resume === undefined) return fresh ? "fresh" : "auto";
  if (db === ":memory:") {
    throw new UsageError("--resume needs a file, and --db :memory: keeps nothing", "leave out one");
  }
  if (!storeTaskStatus) {
    throw new UsageError(
      "--resume needs the states of the tasks, and --no-store-task-status keeps none",
      "leave out one",
    );
  }
  if (fresh) throw new UsageError("--resume and --fresh exclude each other", "keep one of them");
  return resume === true ? "last" : resume;
}
