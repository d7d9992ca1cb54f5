// Compiles signals.c. `cc` wants a path that the system can open; the executable's own files are none, and a file in a
// temporary folder would need one that may be written to: a pipe is a path as well.

import { cc, ptr } from "bun:ffi";
import { closeSync, writeSync } from "node:fs";

import { openLibc } from "./libc.ts";
import source from "./signals.c" with { type: "text" };

export type NativeSignals = {
  /**
   * @param pids see protocol/programs.ts
   * @param terminal where the cursor is shown again; -1: nowhere
   */
  prepare(pids: Int32Array, terminal: number): void;
  watch(signal: number): void;
};

/** On other systems `struct sigaction` is another, and the third signal waits for the main thread. */
export const canCompile =
  process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64");

/** @throws Error when it cannot be compiled here */
export function compileSignals(): NativeSignals {
  const path = pipeHolding(source);
  try {
    const { symbols } = cc({
      source: `/dev/fd/${path}`,
      symbols: {
        prepare: { args: ["ptr", "int", "int"], returns: "void" },
        watch: { args: ["int"], returns: "int" },
      },
    });
    return {
      prepare: (pids, terminal) => symbols.prepare(ptr(pids), pids.length, terminal),
      watch(signal) {
        if (symbols.watch(signal) !== 0) throw new Error(`sigaction(${signal}) failed`);
      },
    };
  } finally {
    closeSync(path);
  }
}

/** @returns the end to read from; a pipe takes 64 KiB without a reader */
function pipeHolding(text: string): number {
  const libc = openLibc({ pipe: { args: ["ptr"], returns: "int" } });
  const ends = new Int32Array(2);
  if (libc === undefined || libc.pipe(ptr(ends)) !== 0) throw new Error("no pipe can be made");
  const [read = -1, write = -1] = ends;
  writeSync(write, text);
  closeSync(write);
  return read;
}
