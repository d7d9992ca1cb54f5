// `pipeloom types [file|folder]`: what an editor needs beside a pipeline file.

import { existsSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { pathOf, shownPath } from "../base/path.ts";
import { reasonOf } from "../base/system-error.ts";
import { defineCliCommand } from "../cli/command.ts";
import { print } from "../cli/stdout.ts";
import { UsageError } from "../cli/usage-error.ts";
import { UserError } from "../cli/user-error.ts";
import { tsconfig } from "../kit/tsconfig.ts";
import { projectFolder, provideModules } from "./be-bun.ts";

export const command = defineCliCommand({
  meta: {
    name: "types",
    details:
      "Writes the type declarations of pipeloom and Bun into node_modules, and a tsconfig.json if there is none, so that an editor completes, explains and checks a pipeline file. Says what it has written and how to undo it. Needs no network; run it again after an upgrade. Files of yours stay as they are.",
    examples: [
      { line: "pipeloom types etl.ts", what: "beside the file, or in the project that it is in" },
      { line: "pipeloom types", what: "for this folder" },
    ],
  },
  args: {
    target: {
      type: "positional",
      default: ".",
      valueHint: "file",
      description: "the pipeline file, or a folder",
    },
  },
  async run({ target }) {
    const folder = projectFolder(folderOf(target));
    const hadModules = existsSync(join(folder, "node_modules"));
    const packages = await provideModules(folder);
    const hasWrittenConfig = writeConfig(join(folder, "tsconfig.json"));
    const modules = packages.map((name) => join("node_modules", name));
    const written = [...modules, ...(hasWrittenConfig ? ["tsconfig.json"] : [])];
    const undone = [
      ...(hadModules || modules.length === 0 ? modules : ["node_modules"]),
      ...(hasWrittenConfig ? ["tsconfig.json"] : []),
    ];
    const inFolder = (path: string): string => shownPath(join(folder, path));
    print(
      `${reportOf(written.map(inFolder), undone.map(inFolder), shownPath(folder)).join("\n")}\n`,
    );
    return 0;
  },
});

function folderOf(target: string): string {
  const path = pathOf(target, process.cwd());
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new UsageError(`${target}: no such file or folder`);
  if (found.isDirectory()) return path;
  if (!found.isFile()) throw new UsageError(`${target} is not a regular file`);
  return dirname(path);
}

/** @returns whether there was none */
function writeConfig(path: string): boolean {
  if (existsSync(path)) return false;
  try {
    writeFileSync(path, tsconfig, { flag: "wx" });
    return true;
  } catch (error) {
    throw new UserError(`cannot write ${shownPath(path)}: ${reasonOf(error)}`);
  }
}

function reportOf(
  written: readonly string[],
  undone: readonly string[],
  folder: string,
): readonly string[] {
  if (written.length === 0) return [`the types in ${folder} are up to date`];
  return [
    `wrote ${written.join(", ")}`,
    `to undo it, delete ${undone.join(" and ")}`,
    "an editor that is open may need to reload the window, or restart its TypeScript server",
  ];
}
