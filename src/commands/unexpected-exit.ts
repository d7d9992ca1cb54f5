// `process.exit` in user code of the main thread: at a module's top level, in `tasks`, in a hook. The run is incomplete then,
// so the process must not exit with 0 and without a message.

import { visibleText } from "../base/text.ts";
import { sayOnStderr } from "../cli/stderr.ts";

/**
 * Until disposed: an exit of the process prints these lines, and exit code 0 becomes 1.
 * @param lastWords the lines for an exit with this code
 */
export function onUnexpectedExit(lastWords: (code: number) => readonly string[]): Disposable {
  const exited = (code: number): void => {
    if (code === 0) process.exitCode = 1;
    const text = lastWords(code)
      .map((line) => `${visibleText(line)}\n`)
      .join("");
    sayOnStderr(text);
  };
  process.on("exit", exited);
  return {
    [Symbol.dispose]() {
      process.off("exit", exited);
    },
  };
}
