// A pipeline file means the same from wherever it is started: its folder becomes the working directory of the run, so that
// paths in it (its database, `csv(path)`, `Bun.file`, `sh`) do not depend on cron, a service, or the shell.

import { dirname } from "node:path";

import { enterFolder, shownPath, startFolder } from "../base/path.ts";
import { readEnvFiles } from "../base/env-file.ts";
import { reasonOf } from "../base/system-error.ts";
import { UserError } from "../cli/user-error.ts";
import type { ModuleRef } from "../protocol/messages.ts";

/**
 * Enters the folder of the file and reads its `.env`; variables that are set already stay. What the command line says must
 * have been resolved before.
 * @throws UserError when the folder or the `.env` cannot be used
 */
export function enterPipelineFolder(module: ModuleRef): ModuleRef {
  if (module.kind === "builtin") return module;
  const folder = dirname(module.path);
  try {
    enterFolder(folder);
    const variables = readEnvFiles(folder, process.env);
    for (const [name, value] of Object.entries(variables)) process.env[name] ??= value;
  } catch (error) {
    throw new UserError(`${shownPath(module.path)}: its folder cannot be used: ${reasonOf(error)}`);
  }
  const shownFrom = startFolder();
  return shownFrom === undefined ? module : { ...module, shownFrom };
}
