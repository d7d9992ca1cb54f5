// Flags that several commands share, as definitions and as options.

import type { RunEvent } from "../protocol/events.ts";
import type { RunSummary } from "../protocol/summary.ts";
import type { Epilogue } from "../terminal/summary-text.ts";
import type { Durability } from "../protocol/run-request.ts";
import { defineFlags } from "../cli/flag-defs.ts";
import type { Flags } from "../cli/flag-defs.ts";
import { UsageError } from "../cli/usage-error.ts";

/** How much is logged. */
export const verbosityFlags = defineFlags({
  verbose: {
    type: "boolean",
    count: true,
    alias: "v",
    description: "log more; -vv logs everything",
  },
  quiet: { type: "boolean", alias: "q", description: "print errors only" },
});

export const { json: jsonFlag } = defineFlags({
  json: {
    type: "boolean",
    description: "print committed events to stdout, one JSON object a line",
  },
});

/** How much is logged, and where to. */
export const outputFlags = defineFlags({
  ...verbosityFlags,
  logFile: {
    type: "string",
    alias: "l",
    valueHint: "file",
    description: "also write the log to this file",
  },
  json: jsonFlag,
});

/** How a run writes. */
export const storeFlags = defineFlags({
  durability: {
    type: "enum",
    options: ["full", "normal"],
    default: "full",
    description: "full survives a power cut, normal only a crash of the process",
  },
  storeTaskStatus: {
    type: "boolean",
    default: true,
    description: "keep each task's state in the database",
    negativeDescription: "do not create pipeloom's tables",
  },
});

export const commonFlags = defineFlags({ ...outputFlags, ...storeFlags });

type Verbosity = "quiet" | "normal" | "verbose" | "debug";

/** As the terminal counts it. */
export const verbosities: Readonly<Record<Verbosity, -1 | 0 | 1 | 2>> = {
  quiet: -1,
  normal: 0,
  verbose: 1,
  debug: 2,
};

export type OutputOptions = {
  readonly verbosity: Verbosity;
  readonly logFile: string | undefined;
  readonly json: boolean;
  /** See `SummaryOptions` of the terminal. */
  readonly again?: readonly string[];
  /** See `UiOptions` of the terminal. */
  readonly epilogue?: (summary: RunSummary) => Epilogue | undefined;
  /** The same from any folder, for the run's hooks. Default: made of the run's options. */
  readonly againAnywhere?: readonly string[] | undefined;
  /** Called before the events are shown. */
  readonly onEvents?: (events: readonly RunEvent[]) => void;
  /** The child that shows the page: it does not end with the run. */
  readonly pagePid?: () => number | undefined;
};

type StoreOptions = {
  readonly durability: Durability;
  readonly storeTaskStatus: boolean;
};

/** @throws UsageError for `-q` together with `-v` */
export function outputOptions(flags: Flags<typeof outputFlags>): OutputOptions {
  const { logFile, json } = flags;
  return { verbosity: verbosityOf(flags.quiet, flags.verbose), logFile, json };
}

export const storeOptions = (flags: Flags<typeof storeFlags>): StoreOptions => ({
  durability: flags.durability,
  storeTaskStatus: flags.storeTaskStatus,
});

export const commonOptions = (flags: Flags<typeof commonFlags>): OutputOptions & StoreOptions => ({
  ...storeOptions(flags),
  ...outputOptions(flags),
});

/** @throws UsageError for `-q` together with `-v` */
export function verbosityOf(quiet: boolean, verbose: number): Verbosity {
  if (quiet && verbose > 0) {
    throw new UsageError("-q (--quiet) and -v (--verbose) exclude each other", "keep one of them");
  }
  if (quiet) return "quiet";
  if (verbose === 0) return "normal";
  return verbose === 1 ? "verbose" : "debug";
}
