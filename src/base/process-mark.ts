// A mark in the environment of the programs that a process starts, and of all that they start in turn. By the mark, Linux
// finds them wherever they are: in a session of their own, or after the death of the process that started them.

import { readdirSync, readFileSync } from "node:fs";

export const markName = "PIPELOOM_PROCESS";

/**
 * The mark of a process; no two processes have the same.
 * @param startedAt see process-identity.ts
 */
export const markOf = (pid: number, startedAt: string): string => `${pid} ${startedAt}`;

/**
 * Processes that run with this mark. Empty except on Linux: other systems do not show another process's environment.
 * @param name of the environment variable
 */
export function markedProcesses(mark: string, name = markName): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((file) => /^\d+$/.test(file))
    .map(Number)
    .filter((pid) => hasMark(pid, mark, name));
}

/** False also if the process has ended, or belongs to another user. */
export function hasMark(pid: number, mark: string, name = markName): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    return `\0${environment}`.includes(`\0${name}=${mark}\0`);
  } catch {
    return false;
  }
}
