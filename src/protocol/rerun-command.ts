// The command that runs the failed tasks of a run again. Pure.

import { shellWord } from "../base/shell-words.ts";
import type { RunId } from "./ids.ts";
import { dbFlag } from "./pipeloom-command.ts";

/**
 * Quoted for a POSIX shell on every system, as `RunSummary.rerun` promises: a hook may pass it to one.
 * @param words arguments of `pipeloom run` that name the run: the file, the params, `--only`
 */
export function rerunCommand(words: readonly string[], db: string, run: RunId): string {
  // A part of the plan has no --rerun. To continue it tries its failed tasks again.
  const isPart = words.some((word) => /^--only(?:=|$)/.test(word));
  const what = isPart ? [] : ["--rerun", "failed"];
  const all = ["pipeloom", "run", ...words, ...dbFlag(db), ...what, ...resumeFlag(words, run)];
  return all.map(shellWord).join(" ");
}

/** What makes `pipeloom run` continue the run of these words, also one that has failed. A run for a slot is continued anyhow. */
export function resumeFlag(words: readonly string[], run?: RunId): string[] {
  if (words.includes("--scheduled-for")) return [];
  return run === undefined ? ["--resume"] : ["--resume", String(run)];
}
