// The whole reference, from the same definitions as the help, the completions and an editor's types.

import { Promise } from "../../base/globals.ts";
import type { CommandEntry } from "../../cli/cli-definition.ts";
import type { CliCommand } from "../../cli/command.ts";
import { describeCommand } from "../../cli/help.ts";
import { loadKit } from "../../kit/load-kit.ts";
import { about } from "../about.ts";
import { commonFlags } from "../common-flags.ts";
import { readVariables, setVariables } from "../environment.ts";
import { apiParts } from "./api-sections.ts";
import guide from "./guide.md" with { type: "text" };
import { guideSections } from "./guide-sections.ts";
import { type Block, code, heading, type Part, terms, text } from "./reference-blocks.ts";

export async function reference(commands: readonly CommandEntry[]): Promise<Part[]> {
  const { modules } = await loadKit();
  const sections = commands.map(async (entry) => ({
    topic: entry.name,
    blocks: commandBlocks(entry, await entry.load()),
  }));
  return [
    { title: "Commands", sections: await Promise.all(sections) },
    { title: "Environment", sections: [{ topic: "environment", blocks: environment }] },
    { title: "Exit codes", sections: [{ topic: "exit-codes", blocks: exitCodes }] },
    { title: "Guide", sections: guideSections(guide) },
    ...apiParts(modules["pipeloom/index.d.ts"] ?? ""),
  ];
}

function commandBlocks({ name, summary }: CommandEntry, command: CliCommand): Block[] {
  const { meta } = command;
  const { usage, positionals, own, common } = describeCommand(command, { ...about, commonFlags });
  return [
    heading(2, `${about.name} ${name}`),
    text(`${summary}.`),
    ...(meta.details === undefined ? [] : [text(meta.details)]),
    code(usage, "console"),
    ...terms("Arguments", positionals),
    ...terms("Flags", own),
    ...terms("Common flags", common),
    ...terms(
      "Examples",
      meta.examples.map(({ line, what }) => ({ label: line, text: what })),
    ),
  ];
}

const rowOf = ({ name, what }: { readonly name: string; readonly what: string }) => ({
  label: name,
  text: what,
});

const environment: readonly Block[] = [
  ...terms("What you may set", readVariables.map(rowOf)),
  ...terms("What programs of sh get", setVariables.map(rowOf)),
];

const exitCodes: readonly Block[] = [
  ...terms("", [
    { label: "0", text: "all done" },
    { label: "1", text: "a task or the run failed" },
    { label: "2", text: "wrong usage: the command line, a parameter" },
    {
      label: "129, 130, 143",
      text: "after SIGHUP, Ctrl-C and SIGTERM, unless everything was done",
    },
  ]),
];
