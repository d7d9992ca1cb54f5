// The globals of a thread that a host takes over: the console, uncaught errors, `process.exit`, the programs of tasks. In
// the simulator, where several hosts share a thread, each host gets its own.

import type { RunProgram } from "../api/program.ts";
import { registry } from "../api/registry.ts";
import { capturePrints, type PrintSink } from "../base/captured-prints.ts";

export type ThreadGlobals = {
  capturePrints(sink: PrintSink): void;
  /** Errors that nobody caught: thrown by a callback, or unhandled rejections. */
  onUncaught(handle: (thrown: unknown) => void): void;
  /** `process.exit` in user code. */
  onExit(handle: (code: number) => never): void;
  /** What `sh` calls in this thread. */
  onProgram(run: RunProgram): void;
};

export const threadGlobals: ThreadGlobals = {
  capturePrints,
  onUncaught(handle) {
    process.on("uncaughtException", handle);
    process.on("unhandledRejection", handle);
  },
  onExit(handle) {
    process.exit = (code) => handle(Number(code ?? 0));
  },
  onProgram(run) {
    registry.runProgram = run;
  },
};
