// `pipeloom check [folder]`: type-checks the project.

import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

import { missingModules } from "../kit/modules.ts";
import { projectFolder, runBun } from "./be-bun.ts";
import { BorrowedTypes } from "./borrowed-types.ts";
import { defineCliCommand } from "../cli/command.ts";
import { UsageError } from "../cli/usage-error.ts";

export const command = defineCliCommand({
  meta: {
    name: "check",
    details:
      "Checks the types of your pipeline files with TypeScript 7: it finds wrong inputs of tasks, misspelled options and values that may be missing. Writes nothing; for an editor, pipeloom types writes the types beside your files.",
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
    const { loadKit } = await import("../kit/load-kit.ts");
    const { modules } = await loadKit();
    const isComplete =
      existsSync(join(project, "tsconfig.json")) && missingModules(project, modules).length === 0;
    if (isComplete) return await runBun(["check", "--no-script"], { cwd: resolve(folder) });
    using borrowed = new BorrowedTypes(project, modules);
    return await runBun(["check", "--no-script", "-p", borrowed.config], {
      cwd: resolve(folder),
    });
  },
});
