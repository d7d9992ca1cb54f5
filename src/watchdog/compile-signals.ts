// Compiles signals.c.

import { ptr } from "bun:ffi";

import { compileC } from "../base/compile-c.ts";
import { libcAddresses } from "../base/libc.ts";
import type { Pipes } from "./output-pipes.ts";
import source from "./signals.c" with { type: "text" };

export type NativeSignals = { start(given: SignalsGiven): void };

type SignalsGiven = {
  /** See protocol/shared/programs.ts. */
  readonly pids: Int32Array;
  /** Descriptor of the terminal on which the cursor is shown again; -1 for none. */
  readonly terminal: number;
  readonly signals: readonly number[];
  /** Where stdout and stderr were redirected to, for the runtime's last words; undefined where they were not. */
  readonly pipes: Pipes | undefined;
  /** Signals that the runtime gets when it crashes. */
  readonly fatal: readonly number[];
};

/** Called when the runtime exits. It does so by `quick_exit`. */
function atQuickExit(): number | null {
  for (const name of ["__cxa_at_quick_exit", "at_quick_exit"]) {
    try {
      return libcAddresses([name]).get(name) ?? null;
    } catch {
      // glibc has the first, musl the second.
    }
  }
  return null;
}

/** @throws Error when this system cannot compile it */
export function compileSignals(): NativeSignals {
  const symbols = compileC(source, {
    start: { args: ["ptr", "int", "ptr", "ptr"], returns: "void" },
  });
  return {
    start({ pids, terminal, signals, pipes, fatal }) {
      const {
        originalOut: out = -1,
        originalErr: err = -1,
        err: read = -1,
        wake = -1,
      } = pipes ?? {};
      const given = [terminal, out, err, read, wake, signals.length, ...signals];
      given.push(fatal.length, ...fatal);
      symbols.start(ptr(pids), pids.length, ptr(new Int32Array(given)), atQuickExit());
    },
  };
}
