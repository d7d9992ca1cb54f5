// The little of git that the wizard needs.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** True when git is installed and `folder`, which need not exist, is in no repository yet. */
export function canStartRepository(folder: string): boolean {
  return Bun.which("git") !== null && !isInRepository(folder);
}

function isInRepository(folder: string): boolean {
  if (existsSync(join(folder, ".git"))) return true;
  const parent = dirname(folder);
  return parent !== folder && isInRepository(parent);
}

/** @returns what git complained about; undefined when the repository is there */
export function startRepository(folder: string): string | undefined {
  const { exitCode, stderr } = Bun.spawnSync(["git", "init", "--quiet"], {
    cwd: folder,
    stdin: "ignore",
    stdout: "ignore",
  });
  return exitCode === 0 ? undefined : stderr.toString().trim();
}
