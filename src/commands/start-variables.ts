// What Bun reads from the environment only at process start. A command that needs it otherwise executes its own program again
// (`execve`) with the variable set. What the user has set stays.

import { ownCommand } from "../base/own-command.ts";

type Variables = Readonly<Record<string, string>>;

/** Bun runs no more `fetch` calls at once. */
const bunsFetchLimit = 256;
/** Bun's maximum for the variable. */
const highestFetchLimit = 65_535;

/** For a command whose tasks call `fetch`, so many at once. */
export const fetchLimit = (concurrency: number | undefined): Variables =>
  concurrency === undefined || concurrency <= bunsFetchLimit
    ? {}
    : { BUN_CONFIG_MAX_HTTP_REQUESTS: String(Math.min(concurrency, highestFetchLimit)) };

/**
 * For a process that exchanges texts with Redis, or reads many rows of a run that goes on. Bun's allocator returns the free parts of used pages to the system whenever a
 * thread is idle, and the next texts fault them in again: that was a third to a half of the CPU time of small tasks on machines.
 * Without it the process holds up to a fifth more memory. In a run on this machine it is a tenth of the CPU time, and a second
 * start would cost short runs more.
 */
export const keepsUsedPages: Variables = { MIMALLOC_PURGE_HOLES: "0" };

/** Returns only when nothing is to be set, or nothing can be set (Windows has no `execve`). */
export function setAtStart(variables: Variables): void {
  const isSet = Object.keys(variables).every((name) => process.env[name] !== undefined);
  if (isSet || process.execve === undefined || process.platform === "win32") return;
  // What BUN_OPTIONS has stays in the environment: it is not to be passed on from `process.execArgv`.
  const words = [...ownCommand(), ...process.argv.slice(2)];
  process.execve(process.execPath, words, { ...variables, ...process.env });
}
