// The entry of the guard: a thread that no user code runs in, for what the main thread cannot do while user code keeps
// it busy.

import { Programs } from "../protocol/programs.ts";
import type { ToGuard } from "./guard.ts";
import { compileSignals, type NativeSignals } from "./native.ts";

declare const self: Worker;

/** Kept: its code is freed with it, and the handlers are called until the process ends. */
let native: NativeSignals | undefined;

self.onmessage = ({ data }: MessageEvent<ToGuard>) => {
  native = compileSignals();
  native.prepare(Programs.from(data.programs).pids, data.terminal);
  for (const signal of data.signals) native.watch(signal);
};
