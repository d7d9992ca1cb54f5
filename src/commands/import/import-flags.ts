// Flags that `csv`, `fetch` and `download` share: those of a run that matter to somebody who loads data.

import { toFailure } from "../../base/failure.ts";
import { defineFlags, type Flags } from "../../cli/flag-defs.ts";
import { UsageError } from "../../cli/usage-error.ts";
import type { RunPipelineOptions } from "../../api/run-pipeline-options.ts";
import { checkHeader, headersOf } from "../../examples/http/header-lines.ts";
import { checkKeyNames } from "../../examples/name-list.ts";
import { outputFlags } from "../common-flags.ts";
import { runFlags } from "../run-flags.ts";

export const importFlags = defineFlags({
  db: { ...runFlags.db, defaultHint: "pipeloom.db" },
  dryRun: { type: "boolean", description: "say what would be loaded; write nothing" },
  resume: runFlags.resume,
  fresh: runFlags.fresh,
  ...outputFlags,
});

/** Which rows `csv` and `fetch` write, and where to. Each says what the table is called otherwise. */
export const targetFlags = defineFlags({
  table: { type: "string", valueHint: "name", description: "the table" },
  key: {
    type: "string",
    valueHint: "columns",
    defaultHint: "none",
    description: "columns that tell rows apart: a row with the same key is updated",
    check: checkKeyNames,
  },
});

/** Tasks that wait for a server need no thread each. */
export const { concurrency: requestsFlag } = defineFlags({
  concurrency: {
    ...runFlags.concurrency,
    default: "4",
    description: "how many addresses are asked at once",
  },
});

/** What `fetch` and `download` send with each request. */
export const { header: headerFlag } = defineFlags({
  header: {
    type: "string",
    alias: "H",
    repeat: true,
    valueHint: "name: value",
    description:
      "a header of each request; $NAME is a variable: 'Authorization: Bearer $TOKEN' (repeatable)",
    check: checkHeader,
  },
});

/** @throws UsageError for a variable that is not set */
export function assertHeaders(header: readonly string[]): void {
  try {
    headersOf(header, process.env);
  } catch (error) {
    throw new UsageError(`--header: ${toFailure(error).message}`);
  }
}

/** @throws UsageError for flags that exclude each other */
export function importOptions({
  db,
  resume,
  fresh,
  dryRun,
  json,
}: Flags<typeof importFlags>): RunPipelineOptions {
  if (resume !== undefined && fresh) {
    throw new UsageError("--resume and --fresh exclude each other", "keep one of them");
  }
  if (dryRun && json) {
    throw new UsageError(
      "--json prints the events of a run, and --dry-run runs nothing",
      "leave out one",
    );
  }
  const which = resume === true ? "last" : resume;
  return {
    resume: fresh ? "fresh" : (which ?? "auto"),
    ...(db === undefined ? undefined : { db }),
  };
}
