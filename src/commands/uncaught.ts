// What nobody caught in the main thread: of the module, of `tasks`, of a hook. While cli.ts awaits its command, the runtime
// prints such an error, with secrets and across the screen, and goes on; so it becomes a line of the run instead.

import { thrownText } from "../base/stack.ts";

/** Until it is disposed. */
export function watchUncaught(tell: (text: string) => void): Disposable {
  const uncaught = (thrown: unknown): void => tell(thrownText(thrown));
  process.on("uncaughtException", uncaught);
  process.on("unhandledRejection", uncaught);
  return {
    [Symbol.dispose]() {
      process.off("uncaughtException", uncaught);
      process.off("unhandledRejection", uncaught);
    },
  };
}
