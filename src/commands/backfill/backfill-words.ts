// The words of the commands that a backfill starts, and that it shows. Pure.

import { engineWords } from "../../protocol/engine-url.ts";
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
  ...(flags.engine === undefined ? [] : ["--engine", flags.engine]),
  ...(flags.db === undefined ? [] : dbFlag(flags.db)),
];

/** The same to be shown: the address of an engine may have a password. */
export const shownWords = (
  words: readonly string[],
  { engine }: Pick<BackfillFlags, "engine">,
): string[] => {
  const [, shown = ""] = engineWords(engine);
  return words.map((word) => (engine === undefined ? word : word.replace(engine, () => shown)));
};

/** @param typed the arguments of this program */
export const againWords = (
  typed: readonly string[],
  { rerun, engine }: Pick<BackfillFlags, "rerun" | "engine">,
  hasFailed: boolean,
): string[] => {
  const isAsked = rerun.includes("failed");
  const words = shownWords(typed, { engine });
  return [...words, ...(hasFailed && !isAsked ? ["--rerun", "failed"] : [])];
};
