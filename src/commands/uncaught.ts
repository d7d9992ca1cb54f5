// Uncaught errors of user code in the main thread: of the module, of `tasks`, of a hook. By default the runtime prints them
// across the screen, with secrets, and goes on. Here they become lines of the run's log; those of serve itself, lines of its log.

import { thrownText } from "../base/stack.ts";

/** Logs uncaught errors until disposed. */
export function watchUncaught(log: (text: string) => void): Disposable {
  const uncaught = (thrown: unknown): void => log(thrownText(thrown));
  process.on("uncaughtException", uncaught);
  process.on("unhandledRejection", uncaught);
  return {
    [Symbol.dispose]() {
      process.off("uncaughtException", uncaught);
      process.off("unhandledRejection", uncaught);
    },
  };
}
