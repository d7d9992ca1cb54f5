// Every command there is, in the order of the help. A command's module is loaded only when it is called.

import type { CliCommand } from "./command.ts";

export const commandGroups = ["Run", "Look", "Set up"] as const;
export type CommandGroup = (typeof commandGroups)[number];

export type CommandEntry = {
  readonly name: string;
  readonly group: CommandGroup;
  /** One line of at most 64 characters, without a full stop. */
  readonly summary: string;
  readonly load: () => Promise<CliCommand>;
};

export const commandTable: readonly CommandEntry[] = [
  {
    name: "run",
    group: "Run",
    summary: "Run the tasks of a pipeline file",
    load: async () => (await import("./run.ts")).command,
  },
  {
    name: "demo",
    group: "Run",
    summary: "See it work: a demonstration with a database to look into",
    load: async () => (await import("./demo.ts")).command,
  },
  {
    name: "upgrade",
    group: "Set up",
    summary: "Bring this executable to the latest version",
    load: async () => (await import("./upgrade.ts")).command,
  },
];
