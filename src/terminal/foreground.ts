// After Ctrl-Z a run may go on in the background (`bg`), where it must not draw over the shell.

import { readFileSync } from "node:fs";

/**
 * Whether the terminal's foreground process group is ours. Known on Linux only; elsewhere it is taken to be so.
 * proc_pid_stat(5): after the command's name in brackets come state, ppid, pgrp, session, tty_nr, tpgid.
 */
export function isForeground(): boolean {
  if (process.platform !== "linux") return true;
  try {
    return foregroundOf(readFileSync("/proc/self/stat", "utf8"));
  } catch {
    return true;
  }
}

export function foregroundOf(stat: string): boolean {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [, , group, , , foreground] = fields;
  // -1: there is no controlling terminal, so there is nobody to draw over.
  return foreground === undefined || foreground === "-1" || group === foreground;
}
