// How a command is written. One file a command, named after it, and one line in `table.ts` (its group and summary):
//
//   export const command = defineCliCommand({
//     name: "status",
//     examples: [{ line: "pipeloom status --watch", what: "follow a run from another terminal" }],
//     args: {
//       ...commonFlags, // or only `outputFlags`; see common.ts
//       db: { type: "string", valueHint: "db", default: "wal_demo.db", description: "the database" },
//       limit: { type: "integer", alias: "n", min: 1, default: 20, description: "how many rows" },
//       format: { type: "enum", alias: "f", options: ["table", "json"], default: "table", description: "…" },
//       run: { type: "integer", min: 1, valueHint: "run-id", description: "only this run" },
//     },
//     async run(flags) { // { db: string; limit: number; format: "table" | "json"; run: number | undefined; … }
//       return 0; // the exit code: 0 done, 1 a task or the run failed, 129 / 130 / 143 after a signal
//     },
//   });
//
// Throw `UsageError` (exit 2) for flags that do not fit together and `UserError` (exit 1) for what a person can mend;
// never call `process.exit`. `--help` and `--version` are answered before `run`. Results go to stdout, by `print`, which
// says a full disk and ends the command quietly when the reader has left; the rest goes to stderr.

import { defineCommand } from "citty";
import type { CommandDef } from "citty";
import type { FlagDefs, Flags } from "./flag-defs.ts";
import { parseFlags } from "./flags.ts";

export type Example = { readonly line: string; readonly what: string };

type Description = {
  readonly name: string;
  /** More than the summary in `table.ts` says, for `--help`; sentences. */
  readonly details?: string;
  /** Two are good. `line` is typed as it stands. */
  readonly examples: readonly Example[];
};

type Extra = {
  /** Lines below the help, for what follows the command: `run etl.ts --help` tells the file's own parameters. */
  readonly moreHelp?: (args: readonly string[]) => Promise<string>;
};

export type CommandSpec<Defs extends FlagDefs> = Description &
  Extra & {
    readonly args: Defs;
    /** Resolves to the exit code. */
    readonly run: (flags: Flags<Defs>) => Promise<number>;
  };

/** What help, completion and tests read of a command. */
export type CliCommand = Description &
  Extra & {
    readonly args: FlagDefs;
    /** What citty runs; `runCommand` gives the exit code as its result. */
    readonly citty: CommandDef;
  };

export function defineCliCommand<const Defs extends FlagDefs>(spec: CommandSpec<Defs>): CliCommand {
  const { run, ...described } = spec;
  // No `args` for citty: it would parse them leniently, and convert nothing.
  const citty = defineCommand({
    meta: { name: spec.name },
    run: ({ rawArgs }) => run(parseFlags(rawArgs, spec.args)),
  });
  return { ...described, citty };
}
