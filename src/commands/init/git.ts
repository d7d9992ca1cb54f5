// The git commands of the wizard.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** True when git is installed and `folder`, which need not exist, is not inside a repository. */
export function canStartRepository(folder: string): boolean {
  return Bun.which("git") !== null && !isInRepository(folder);
}

function isInRepository(folder: string): boolean {
  if (existsSync(join(folder, ".git"))) return true;
  const parent = dirname(folder);
  return parent !== folder && isInRepository(parent);
}

/** @returns git's error message; undefined on success */
export function startRepository(folder: string): string | undefined {
  const { exitCode, stderr } = Bun.spawnSync(["git", "init", "--quiet"], {
    cwd: folder,
    stdin: "ignore",
    stdout: "ignore",
  });
  return exitCode === 0 ? undefined : stderr.toString().trim();
}
