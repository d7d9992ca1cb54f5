// `pipeloom check [folder]`: type-checks the project.

import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

import { projectFolder, provideModules, runBun } from "./be-bun.ts";
import { defineCliCommand } from "../cli/command.ts";
import { UsageError } from "../cli/usage-error.ts";

export const command = defineCliCommand({
  meta: {
    name: "check",
    details:
      "Checks the types of your pipeline files with TypeScript 7: it finds wrong inputs of tasks, misspelled options and values that may be missing.",
    examples: [
      { line: "pipeloom check", what: "the project in this folder" },
      { line: "pipeloom check sales", what: "the project in another folder" },
    ],
  },
  args: {
    folder: {
      type: "positional",
      default: ".",
      valueHint: "folder",
      description: "the project",
    },
  },
  async run({ folder }) {
    if (!existsSync(folder)) throw new UsageError(`${folder}: no such folder`);
    if (!statSync(folder).isDirectory()) throw new UsageError(`${folder} is a file, not a folder`);
    const project = projectFolder(folder);
    await provideModules(project);
    // Without a tsconfig.json, bun check loads Bun's types only when package.json lists them.
    const types = existsSync(join(project, "tsconfig.json")) ? [] : ["--types", "bun-types"];
    return await runBun(["check", "--no-script", ...types], resolve(folder));
  },
});
