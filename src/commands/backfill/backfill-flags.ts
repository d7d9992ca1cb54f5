// The flags of `backfill`.

import { defineFlags, type Flags } from "../../cli/flag-defs.ts";
import { UsageError } from "../../cli/usage-error.ts";
import { outputFlags } from "../common-flags.ts";
import { paramFlags } from "../param-flags.ts";
import { runFlags } from "../run-flags.ts";

const { workers, engine, db, downstream, wait } = runFlags;

export const backfillFlags = defineFlags({
  file: {
    type: "positional",
    required: true,
    valueHint: "file",
    description: "the pipeline file; file.ts:name for a named export",
  },
  from: {
    type: "string",
    required: true,
    valueHint: "time",
    description:
      "the first slot: 2026-11-01 or 2026-11-01T02:30 in the schedule's time zone, or 30d for so long ago",
  },
  to: {
    type: "string",
    valueHint: "time",
    defaultHint: "now",
    description: "the last slot; a day is included",
  },
  concurrency: {
    type: "string",
    valueType: "integer",
    alias: "c",
    min: 1,
    max: 64,
    default: "1",
    description: "slots that run at once; their runs share the database",
  },
  reverse: { type: "boolean", description: "the newest slot first" },
  rerun: {
    type: "string",
    repeat: true,
    valueHint: "task",
    description:
      "failed: also the slots that have failed; a task: run it again in each slot that has run",
  },
  downstream,
  wait: { ...wait, description: "wait for the runs of slots that go on elsewhere" },
  failFast: { type: "boolean", description: "start no further slot after the first failed one" },
  dryRun: { type: "boolean", description: "list the slots and what each has; run nothing" },
  ...paramFlags,
  workers: { ...workers, description: "threads of each run" },
  engine,
  db,
  ...outputFlags,
  json: {
    type: "boolean",
    description:
      "print one JSON object for each slot that begins or ends; with --dry-run, all in one",
  },
});

export type BackfillFlags = Flags<typeof backfillFlags>;

/** @throws UsageError */
export function checkDownstream({ downstream: isAsked, rerun }: BackfillFlags): void {
  if (!isAsked || rerun.some((task) => task !== "failed")) return;
  throw new UsageError("--downstream goes with --rerun", "e.g. --rerun load-day --downstream");
}
