// The main thread's side of the guard.

import { constants } from "node:os";

import type { Programs } from "../protocol/programs.ts";
import { spawnGuard } from "../spawn.ts";
import { canCompile } from "./native.ts";

/** From now on a third of these signals ends the process, whatever the main thread does. */
export type ToGuard = {
  readonly programs: SharedArrayBuffer;
  /** A descriptor of the terminal whose cursor may be hidden; -1: none. */
  readonly terminal: number;
  readonly signals: readonly number[];
};

/**
 * Starts the guard, for the rest of the process's life; its C handlers go before those that are installed now. Where it
 * cannot be had (see native.ts), the third signal waits for the main thread.
 */
export function watchSignals(
  signals: readonly NodeJS.Signals[],
  programs: Programs,
  terminal: number,
): void {
  if (!canCompile) return;
  const thread = spawnGuard();
  thread.onerror = (event) => event.preventDefault();
  thread.postMessage({
    programs: programs.buffer,
    terminal,
    signals: signals.map((signal) => constants.signals[signal]),
  } satisfies ToGuard);
}
