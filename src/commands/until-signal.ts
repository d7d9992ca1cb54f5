// For commands that go on until they are stopped.

import { Promise } from "../base/globals.ts";
import { exitCodeOf } from "./run-signals.ts";

/**
 * @param others end it too, each with its exit code
 * @returns 0 after Ctrl-C, which is how such a command is meant to end; else the exit code that a shell reports for the signal
 */
export async function untilSignal(others: readonly Promise<number>[] = []): Promise<number> {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const { promise, resolve } = Promise.withResolvers<(typeof signals)[number]>();
  const listeners = signals.map((signal) => [signal, () => resolve(signal)] as const);
  for (const [signal, listener] of listeners) process.on(signal, listener);
  try {
    const code = promise.then((signal) => (signal === "SIGINT" ? 0 : exitCodeOf(signal)));
    return await Promise.race([code, ...others]);
  } finally {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  }
}
