// Every command, in the order of the help.

import type { CommandEntry } from "../cli/cli-definition.ts";

export const commandGroups = ["Run", "Look", "Set up"] as const;

type GroupedEntry = CommandEntry & { readonly group: (typeof commandGroups)[number] };

export const commandTable: readonly GroupedEntry[] = [
  {
    name: "run",
    group: "Run",
    summary: "Run the tasks of a pipeline file",
    load: async () => (await import("./run.ts")).command,
  },
  {
    name: "csv",
    group: "Run",
    summary: "Load CSV files into a table",
    load: async () => (await import("./csv.ts")).command,
  },
  {
    name: "fetch",
    group: "Run",
    summary: "Load JSON from addresses into a table",
    load: async () => (await import("./fetch.ts")).command,
  },
  {
    name: "download",
    group: "Run",
    summary: "Download files, and list them in a table",
    isBrief: true,
    load: async () => (await import("./download.ts")).command,
  },
  {
    name: "attach",
    group: "Run",
    summary: "Watch a run in another terminal as if it were here",
    isBrief: true,
    load: async () => (await import("./attach.ts")).command,
  },
  {
    name: "cancel",
    group: "Run",
    summary: "Stop a run in another terminal",
    isBrief: true,
    load: async () => (await import("./cancel.ts")).command,
  },
  {
    name: "prove",
    group: "Run",
    summary: "Kill a pipeline at random until it is done, and compare",
    isBrief: true,
    load: async () => (await import("./prove.ts")).command,
  },
  {
    name: "demo",
    group: "Run",
    summary: "See it work: a demonstration that fills a database",
    load: async () => (await import("./demo.ts")).command,
  },
  {
    name: "status",
    group: "Look",
    summary: "Show runs and tasks, running and finished",
    load: async () => (await import("./status.ts")).command,
  },
  {
    name: "runs",
    group: "Look",
    summary: "List the runs, and how long they took",
    load: async () => (await import("./runs.ts")).command,
  },
  {
    name: "logs",
    group: "Look",
    summary: "Show what the tasks of a run logged and printed, live too",
    load: async () => (await import("./logs.ts")).command,
  },
  {
    name: "why",
    group: "Look",
    summary: "Say why a task ran, was reused, or did not run",
    load: async () => (await import("./why.ts")).command,
  },
  {
    name: "ui",
    group: "Look",
    summary: "Look at runs in the browser, live",
    load: async () => (await import("./ui.ts")).command,
  },
  {
    name: "report",
    group: "Look",
    summary: "Write a run as one HTML file",
    isBrief: true,
    load: async () => (await import("./report.ts")).command,
  },
  {
    name: "query",
    group: "Look",
    summary: "Read from the database with SQL, as a table, JSON or CSV",
    load: async () => (await import("./query.ts")).command,
  },
  {
    name: "examples",
    group: "Run",
    summary: "Run a built-in pipeline: csv, etl, download, file-writer",
    isBrief: true,
    load: async () => (await import("./examples.ts")).command,
  },
  {
    name: "init",
    group: "Set up",
    summary: "Create a project with a pipeline that runs",
    load: async () => (await import("./init.ts")).command,
  },
  {
    name: "init-db",
    group: "Set up",
    summary: "Create pipeloom's tables in a database",
    isBrief: true,
    load: async () => (await import("./init-db.ts")).command,
  },
  {
    name: "prune",
    group: "Set up",
    summary: "Delete what is recorded of old runs",
    isBrief: true,
    load: async () => (await import("./prune.ts")).command,
  },
  {
    name: "add",
    group: "Set up",
    summary: "Add a package from npm to the project",
    isBrief: true,
    load: async () => (await import("./add.ts")).command,
  },
  {
    name: "install",
    group: "Set up",
    summary: "Install the project's packages and types",
    isBrief: true,
    load: async () => (await import("./install.ts")).command,
  },
  {
    name: "test",
    group: "Set up",
    summary: "Run the project's tests",
    isBrief: true,
    load: async () => (await import("./test.ts")).command,
  },
  {
    name: "types",
    group: "Set up",
    summary: "Write what an editor needs beside a pipeline file",
    isBrief: true,
    load: async () => (await import("./types.ts")).command,
  },
  {
    name: "check",
    group: "Set up",
    summary: "Check the project's types",
    isBrief: true,
    load: async () => (await import("./check.ts")).command,
  },
  {
    name: "docs",
    group: "Set up",
    summary: "Show the reference of the commands and the API",
    isBrief: true,
    load: async () => (await import("./docs.ts")).docsCommand(commandTable),
  },
  {
    name: "completions",
    group: "Set up",
    summary: "Print a completion script for your shell",
    isBrief: true,
    load: async () => (await import("./completions.ts")).command,
  },
  {
    name: "upgrade",
    group: "Set up",
    summary: "Upgrade this executable to the latest version",
    isBrief: true,
    load: async () => (await import("./upgrade.ts")).command,
  },
];
