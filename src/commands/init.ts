// `pipeloom init [folder]`: creates a project that runs.

import { type Answers, dbProblem, type Draft, templateNames } from "./init/answers.ts";
import { canStartRepository, startRepository } from "./init/git.ts";
import { programName } from "./init/program-name.ts";
import { initProject } from "./init/wizard.ts";
import { folderProblem } from "./init/questions.ts";
import { defineCliCommand } from "../cli/command.ts";
import { UsageError } from "../cli/usage-error.ts";

export const command = defineCliCommand({
  meta: {
    name: "init",
    details:
      "Asks a few questions and writes a pipeline that runs as it is, with a test, a README, and types for your editor. Downloads nothing. Flags answer questions in advance.",
    examples: [
      { line: "pipeloom init", what: "ask everything" },
      { line: "pipeloom init sales --template csv --yes", what: "ask nothing" },
    ],
  },
  args: {
    folder: {
      type: "positional",
      required: false,
      valueHint: "folder",
      description: "the folder of the project; . is this one",
    },
    template: {
      type: "enum",
      alias: "t",
      options: [...templateNames],
      description: "what the pipeline does",
    },
    db: { type: "string", valueHint: "db", description: "the pipeline's database" },
    data: { type: "boolean", threeState: true, description: "write example data" },
    editor: { type: "boolean", threeState: true, description: "write types and tsconfig.json" },
    git: { type: "boolean", threeState: true, description: "start a git repository" },
    yes: { type: "boolean", alias: "y", description: "ask nothing, use the defaults" },
    force: { type: "boolean", alias: "f", description: "overwrite existing files" },
  },
  async run({ yes, force, ...flags }) {
    const { stdin, stderr } = process;
    const { loadKit } = await import("../kit/load-kit.ts");
    return initProject(given(flags, process.cwd()), {
      yes,
      force,
      input: stdin,
      output: stderr,
      isTty: stdin.isTTY && stderr.isTTY,
      cwd: process.cwd(),
      loadKit,
      canStartRepository,
      startRepository,
      programName,
    });
  },
});

type InitFlags = { readonly [Key in keyof Answers]: Answers[Key] | undefined };

/** @throws UsageError for an answer that the wizard would refuse */
function given(flags: InitFlags, cwd: string): Draft {
  const { folder, db } = flags;
  const wrongFolder = folder === undefined ? undefined : folderProblem(folder, cwd);
  if (wrongFolder !== undefined) throw new UsageError(`<folder>: ${wrongFolder}`);
  const wrongDb = db === undefined ? undefined : dbProblem(db);
  if (wrongDb !== undefined) throw new UsageError(`--db: ${wrongDb}`);
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}
