// Compiles signals.c. `cc` wants a path that the system can open; the executable's own files are none, and a file in a
// temporary folder would need one that may be written to: a pipe is a path as well.

import { cc, ptr } from "bun:ffi";

import { Descriptors } from "../base/libc.ts";
import source from "./signals.c" with { type: "text" };

export type NativeSignals = {
  /**
   * @param pids see protocol/programs.ts
   * @param terminal where the cursor is shown again; -1: nowhere
   */
  prepare(pids: Int32Array, terminal: number): void;
  watch(signal: number): void;
  /** Where the runtime's crash report goes. */
  prepareCrash(out: number, err: number): void;
  watchCrash(signal: number): void;
};

/** On other systems `struct sigaction` is another, and the third signal waits for the main thread. */
export const canCompile =
  process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64");

/** @throws Error when it cannot be compiled here */
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

/** @returns the end to read from; a pipe takes 64 KiB without a reader */
function pipeHolding(descriptors: Descriptors, text: string): number {
  const { read, write } = descriptors.pipe();
  descriptors.writeAll(write, text);
  descriptors.close(write);
  return read;
}
