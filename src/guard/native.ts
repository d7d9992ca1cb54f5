// Compiles signals.c.

import { ptr } from "bun:ffi";

import { compileC } from "../base/compile-c.ts";
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

/** @throws Error when this system cannot compile it */
export function compileSignals(): NativeSignals {
  const symbols = compileC(source, {
    prepare: { args: ["ptr", "int", "int"], returns: "void" },
    watch: { args: ["int"], returns: "int" },
    prepare_crash: { args: ["int", "int"], returns: "void" },
    watch_crash: { args: ["int"], returns: "int" },
  });
  return {
    prepare: (pids, terminal) => symbols.prepare(ptr(pids), pids.length, terminal),
    watch: (signal) => void symbols.watch(signal),
    prepareCrash: (out, err) => symbols.prepare_crash(out, err),
    watchCrash: (signal) => void symbols.watch_crash(signal),
  };
}
