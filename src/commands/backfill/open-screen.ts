// Opens the screen of a backfill, as the flags say.

import { toIso } from "../../base/iso-time.ts";
import { pipeloomCommand } from "../../protocol/pipeloom-command.ts";
import { createUi } from "../../terminal/create-ui.ts";
import { outputOptions, verbosities } from "../common-flags.ts";
import type { BackfillFlags } from "./backfill-flags.ts";
import { BackfillScreen } from "./backfill-screen.ts";
import { againWords, runWords, shownWords } from "./backfill-words.ts";
import type { PreparedBackfill } from "./prepared-backfill.ts";

export function openScreen(
  flags: BackfillFlags,
  { about, slots, mask, database }: PreparedBackfill,
  cwd: string,
): BackfillScreen {
  const { verbosity, logFile, json } = outputOptions(flags);
  const { stdout, stderr, env } = process;
  const masked = (text: string): string => mask?.text(text) ?? text;
  const words = shownWords(runWords(flags), flags);
  const ui = createUi({
    noun: "slot",
    verbosity: verbosities[verbosity],
    json: false,
    logFile,
    cwd,
    stdout,
    stderr,
    env,
    // The objects on stdout and the regions would overwrite each other.
    isTty: stderr.isTTY && !(json && stdout.isTTY),
    mask: masked,
  });
  return new BackfillScreen({
    about,
    slots,
    ui,
    json,
    cwd,
    quiet: verbosity === "quiet",
    whyFailed: (found) => database.whyFailed(found),
    commandOf: (slot) => masked(pipeloomCommand("run", ...words, "--scheduled-for", toIso(slot))),
    again: (hasFailed) =>
      masked(pipeloomCommand(...againWords(process.argv.slice(2), flags, hasFailed))),
  });
}
