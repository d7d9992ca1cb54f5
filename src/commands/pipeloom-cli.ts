// Pipeloom's command line: all that src/cli is given about the commands.

import type { CliDefinition } from "../cli/cli-definition.ts";
import { pipeloomCommand } from "../protocol/pipeloom-command.ts";
import { version, versionLine } from "../version.ts";
import { about } from "./about.ts";
import { commandGroups, commandTable } from "./command-table.ts";
import { commonFlags } from "./common-flags.ts";

export const pipeloomCli: CliDefinition = {
  ...about,
  version,
  versionLine,
  examples: [
    { line: "pipeloom demo -n 10", what: "see it work" },
    { line: "pipeloom run etl.ts", what: "run a file of tasks; again, to continue a dead run" },
  ],
  groups: commandGroups,
  commands: commandTable,
  commonFlags,
  hintFor: (name) =>
    /\.[cm]?[jt]sx?(:\w+)?$/.test(name)
      ? `to run a pipeline file: ${pipeloomCommand("run", name)}`
      : undefined,
  completionSources: async () =>
    (await import("./completion/completion-sources.ts")).completionSources,
};
