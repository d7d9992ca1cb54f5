// `pipeloom check [target]`: type-checks the project, or one file.

import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { shownPath } from "../base/path.ts";
import type { TextFiles } from "../kit/kit.ts";
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
      { line: "pipeloom check etl.ts", what: "one file, and what it imports" },
      { line: "pipeloom check sales", what: "the project in another folder" },
    ],
  },
  args: {
    target: {
      type: "positional",
      default: ".",
      valueHint: "file",
      description: "the pipeline file, or a project's folder",
    },
  },
  async run({ target }) {
    const path = resolve(target);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) throw new UsageError(`${target}: no such file or folder`);
    const { loadKit } = await import("../kit/load-kit.ts");
    const { modules } = await loadKit();
    if (!found.isDirectory()) return checkFile(path, modules);
    const project = projectFolder(path);
    assertSources(project, target);
    const isComplete =
      existsSync(join(project, "tsconfig.json")) && missingModules(project, modules).length === 0;
    if (isComplete) return await runBun(["check", "--no-script"], { cwd: path });
    using borrowed = new BorrowedTypes(project, modules);
    return await checkWith(borrowed, path);
  },
});

async function checkFile(path: string, modules: TextFiles): Promise<number> {
  if (!/\.[cm]?tsx?$/.test(path)) {
    throw new UsageError(`${shownPath(path)} is not a TypeScript file (.ts)`);
  }
  using borrowed = new BorrowedTypes(projectFolder(dirname(path)), modules, path);
  return await checkWith(borrowed, process.cwd());
}

/** @param cwd places in the output are relative to it */
const checkWith = ({ config }: BorrowedTypes, cwd: string): Promise<number> =>
  runBun(["check", "--no-script", "-p", config], { cwd });

/** The compiler's own error names a temporary file. @throws UsageError for a folder without a file to check */
function assertSources(project: string, target: string): void {
  if (existsSync(join(project, "tsconfig.json"))) return;
  const files = new Bun.Glob("**/*.{ts,tsx,mts,cts}").scanSync({ cwd: project });
  for (const file of files) if (!/(?:^|[\\/])node_modules[\\/]/.test(file)) return;
  throw new UsageError(`${target}: no TypeScript file (.ts) in this folder`);
}
