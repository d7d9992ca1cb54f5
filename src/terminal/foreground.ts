// After Ctrl-Z a run may continue in the background (`bg`), where it must not draw over the shell.

import { readFileSync } from "node:fs";

/**
 * Whether our process group has the terminal. Known on Linux only; elsewhere always true.
 * proc_pid_stat(5): after the command name in brackets come state, ppid, pgrp, session, tty_nr, tpgid.
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
  // -1: no controlling terminal, so no shell to draw over.
  return foreground === undefined || foreground === "-1" || group === foreground;
}
