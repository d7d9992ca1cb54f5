// Compiles signals.c. `cc` needs a path that the system can open. Files inside the executable have none, and no folder is
// sure to be writable, so the source is passed as the path of a pipe.

import { cc, ptr } from "bun:ffi";

import { Descriptors } from "../base/libc.ts";
import source from "./signals.c" with { type: "text" };

export type NativeSignals = {
  /**
   * @param pids see protocol/shared/programs.ts
   * @param terminal descriptor of the terminal on which the cursor is shown again; -1 for none
   */
  prepare(pids: Int32Array, terminal: number): void;
  watch(signal: number): void;
  /** Descriptors for the runtime's crash report: stdout and stderr as they were before the redirection. */
  prepareCrash(out: number, err: number): void;
  watchCrash(signal: number): void;
};

/** Other systems have another `struct sigaction`: there, the third signal waits for the main thread. */
export const canCompile =
  process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64");

/** @throws Error when this system cannot compile it */
export function compileSignals(): NativeSignals {
  const descriptors = Descriptors.open();
  if (descriptors === undefined) throw new Error("no C library");
  const path = pipeHolding(descriptors, source);
  try {
    const { symbols } = cc({
      source: `/dev/fd/${path}`,
      symbols: {
        prepare: { args: ["ptr", "int", "int"], returns: "void" },
        watch: { args: ["int"], returns: "int" },
        prepare_crash: { args: ["int", "int"], returns: "void" },
        watch_crash: { args: ["int"], returns: "int" },
      },
    });
    return {
      prepare: (pids, terminal) => symbols.prepare(ptr(pids), pids.length, terminal),
      watch: (signal) => void symbols.watch(signal),
      prepareCrash: (out, err) => symbols.prepare_crash(out, err),
      watchCrash: (signal) => void symbols.watch_crash(signal),
    };
  } finally {
    descriptors.close(path);
  }
}

/** @returns the pipe's read end. The text must fit into the pipe (64 KiB): nobody reads while it is written. */
function pipeHolding(descriptors: Descriptors, text: string): number {
  const { read, write } = descriptors.pipe();
  descriptors.writeAll(write, text);
  descriptors.close(write);
  return read;
}
