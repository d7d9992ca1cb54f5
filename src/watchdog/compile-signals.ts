// Compiles signals.c.

import { ptr } from "bun:ffi";

import { compileC } from "../base/compile-c.ts";
import source from "./signals.c" with { type: "text" };

export type NativeSignals = { start(given: SignalsGiven): void };

type SignalsGiven = {
  /** See protocol/shared/programs.ts. */
  readonly pids: Int32Array;
  /** Descriptor of the terminal on which the cursor is shown again; -1 for none. */
  readonly terminal: number;
  readonly signals: readonly number[];
  /** Descriptors for the runtime's crash report, as they were before the redirection; undefined where there was none. */
  readonly crash:
    { readonly out: number; readonly err: number; readonly signals: readonly number[] } | undefined;
};

const noCrash = { out: -1, err: -1, signals: [] };

/** @throws Error when this system cannot compile it */
export function compileSignals(): NativeSignals {
  const symbols = compileC(source, {
    start: { args: ["ptr", "int", "ptr"], returns: "void" },
  });
  return {
    start({ pids, terminal, signals, crash = noCrash }) {
      const { out, err, signals: fatal } = crash;
      const given = [terminal, out, err, signals.length, ...signals, fatal.length, ...fatal];
      symbols.start(ptr(pids), pids.length, ptr(new Int32Array(given)));
    },
  };
}
