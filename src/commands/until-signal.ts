// For commands that go on until they are stopped.

import { Promise } from "../base/globals.ts";
import { exitCodeOf } from "./run-signals.ts";

/** @returns 0 after Ctrl-C, which is how such a command is meant to end; else the exit code that a shell reports for the signal */
export async function untilSignal(): Promise<number> {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const { promise, resolve } = Promise.withResolvers<(typeof signals)[number]>();
  const listeners = signals.map((signal) => [signal, () => resolve(signal)] as const);
  for (const [signal, listener] of listeners) process.on(signal, listener);
  try {
    const signal = await promise;
    return signal === "SIGINT" ? 0 : exitCodeOf(signal);
  } finally {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  }
}
