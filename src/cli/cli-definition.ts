// What src/cli is given: the program's name and texts, its commands, common flags and completion sources; and the tree of
// citty commands made of it.

import type { CommandDef } from "citty";

import type { CliCommand, Example } from "./command.ts";
import type { Sources } from "./completion/candidates.ts";
import type { FlagDefs } from "./flag-defs.ts";

export type CommandEntry = {
  readonly name: string;
  /** One of `groups`. */
  readonly group: string;
  /** One line of at most 64 characters, without a full stop. */
  readonly summary: string;
  /** The root help shows only the name: it must fit a small terminal. */
  readonly isBrief?: true;
  /** The command's module is loaded only when the command is called. */
  readonly load: () => Promise<CliCommand>;
};

export type CliDefinition = {
  readonly name: string;
  readonly version: string;
  /** What `--version` prints. */
  readonly versionLine: string;
  /** One line, without a full stop. */
  readonly description: string;
  readonly examples: readonly Example[];
  /** In the order of the help. */
  readonly groups: readonly string[];
  readonly commands: readonly CommandEntry[];
  /** Allowed before the command's name. A command's help lists them in a section of their own. */
  readonly commonFlags: FlagDefs;
  /** A hint for an unknown command, where its name is enough for one. */
  readonly hintFor: (name: string) => string | undefined;
  readonly completionSources: () => Promise<Sources>;
};

export type SubCommands = Readonly<Record<string, () => Promise<CliCommand>>>;

type Root = CommandDef<FlagDefs> & {
  readonly args: FlagDefs;
  readonly subCommands: SubCommands;
};

/** The tree of commands. A subcommand's description is the summary of its entry. */
export function rootCommand(cli: CliDefinition): Root {
  const { name, version, description, commonFlags: args } = cli;
  const subCommands = Object.fromEntries(
    cli.commands.map((entry) => [entry.name, () => loadDescribed(entry)]),
  );
  return { meta: { name, version, description }, args, subCommands };
}

async function loadDescribed({ load, summary }: CommandEntry): Promise<CliCommand> {
  const command = await load();
  return { ...command, meta: { ...command.meta, description: summary } };
}
