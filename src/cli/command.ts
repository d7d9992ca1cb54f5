// How to write a command: a citty command with strict arguments. A command has a file named after it, and an entry in the
// table of commands (its group and summary):
//
//   export const command = defineCliCommand({
//     meta: {
//       name: "status",
//       examples: [{ line: "pipeloom status --watch", what: "follow a run from another terminal" }],
//     },
//     args: {
//       ...commonFlags,
//       db: { type: "string", valueHint: "db", default: "wal_demo.db", description: "the database" },
//       limit: { type: "string", valueType: "integer", alias: "n", min: 1, default: "20", description: "how many rows" },
//       format: { type: "enum", alias: "f", options: ["table", "json"], default: "table", description: "…" },
//     },
//     async run(flags) { // { db: string; limit: number; format: "table" | "json"; … }
//       return 0; // the exit code: 0 done, 1 a task or the run failed, 129 / 130 / 143 after a signal
//     },
//   });
//
// Throw `UsageError` (exit code 2) for flags that exclude each other and `UserError` (exit code 1) for what a person can
// fix; never call `process.exit`. `--help` and `--version` are answered before `run`. Results go to stdout, by `print`,
// which reports a full disk and ends the command quietly when the reader has left; the rest goes to stderr.

import { type CommandDef, type CommandMeta, runCommand } from "citty";

import type { FlagDefs, Flags } from "./flag-defs.ts";
import { parseFlags, canonicalArgs } from "./flags.ts";

export type Example = { readonly line: string; readonly what: string };

/** `description` is the summary of the command's table entry. */
type CliMeta = CommandMeta & {
  readonly name: string;
  /** Sentences for `--help`, below the summary. */
  readonly details?: string;
  /** About two. `line` can be typed as it is. */
  readonly examples: readonly Example[];
};

/** One line of two columns. */
export type HelpRow = { readonly label: string; readonly text: string };

/** A part of the help that is not made of definitions. */
export type HelpTable = { readonly title: string; readonly rows: readonly HelpRow[] };

type Extra = {
  /** What the arguments name, shown above the help: `run etl.ts --help` begins with the file's parameters. */
  readonly argumentsHelp?: (args: readonly string[]) => Promise<HelpTable | undefined>;
};

export type CliCommand = Omit<CommandDef, "meta" | "args"> &
  Extra & {
    readonly meta: CliMeta;
    readonly args: FlagDefs;
    /** `args` are for help and completion only: another program parses the arguments. */
    readonly passThrough?: true;
  };

type CommandSpec<Defs extends FlagDefs> = Extra & {
  readonly meta: CliMeta;
  readonly args: Defs;
  /** Resolves to the exit code. */
  readonly run: (flags: Flags<Defs>) => Promise<number>;
};

/** citty types the value of an absent string flag as `string`, so `run` gets the strict values as citty's `data`. */
export const defineCliCommand = <const Defs extends FlagDefs>({
  run,
  ...described
}: CommandSpec<Defs>): CliCommand => ({
  ...described,
  run: ({ data }) => run(data as Flags<Defs>),
});

/** A command whose arguments another program parses. */
export const definePassThrough = ({
  run,
  ...described
}: Omit<CommandSpec<FlagDefs>, "run"> & {
  readonly run: (rawArgs: readonly string[]) => Promise<number>;
}): CliCommand => ({
  ...described,
  passThrough: true,
  run: ({ data }) => run(data as readonly string[]),
});

/** @returns the exit code. @throws UsageError for wrong arguments, and what the command throws */
export async function runCliCommand(command: CliCommand, args: readonly string[]): Promise<number> {
  const { result } = await (command.passThrough === true
    ? // As `data`: citty's parser fails on arguments such as `--_`.
      runCommand({ ...command, args: {} }, { rawArgs: [], data: args })
    : runStrictly(command, args));
  // citty ignores a thrown null or undefined, so a missing exit code is an error.
  if (typeof result === "number") return result;
  throw new Error(`${command.meta.name} ended without an exit code`);
}

const withoutRequired = (defs: FlagDefs): FlagDefs =>
  Object.fromEntries(Object.entries(defs).map(([key, def]) => [key, { ...def, required: false }]));

async function runStrictly(
  command: CliCommand,
  args: readonly string[],
): Promise<{ readonly result: unknown }> {
  const data = parseFlags(args, command.args);
  // `parseFlags` has said what is missing; citty would miss what may be left out too.
  const citty: CommandDef = { ...command, args: withoutRequired(command.args) };
  return await runCommand(citty, { rawArgs: canonicalArgs(data, command.args), data });
}
