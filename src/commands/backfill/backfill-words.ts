// The words of the commands that a backfill starts, and that it shows. Pure.

import { dbFlag, flagWords, pathWord } from "../../protocol/pipeloom-command.ts";
import type { BackfillFlags } from "./backfill-flags.ts";

/** Of `pipeloom run`, without the slot. */
export const runWords = (flags: BackfillFlags): string[] => [
  pathWord(flags.file),
  ...(flags.params === undefined
    ? []
    : ["--params", flags.params === "-" ? "-" : pathWord(flags.params)]),
  ...flags.param.flatMap((param) => flagWords("--param", param)),
  ...(flags.workers === undefined ? [] : ["--workers", String(flags.workers)]),
  ...(flags.db === undefined ? [] : dbFlag(flags.db)),
];

/** @param typed the arguments of this program */
export const againWords = (
  typed: readonly string[],
  { rerun }: Pick<BackfillFlags, "rerun">,
  hasFailed: boolean,
): string[] => {
  const isAsked = rerun.includes("failed");
  return [...typed, ...(hasFailed && !isAsked ? ["--rerun", "failed"] : [])];
};
