// `process.exit` in user code of the main thread: at a module's top level, in `tasks`, in a hook. What was to be done has
// not been done, and nobody would say so; and with 0 it would look as if it had.

import { writeAll } from "../base/streams.ts";
import { visibleText } from "../base/text.ts";

/**
 * Until it is disposed, an end of the process is said, and is no success.
 * @param lastWords the lines to say, for an exit with this code
 */
export function guardExit(lastWords: (code: number) => readonly string[]): Disposable {
  const exited = (code: number): void => {
    if (code === 0) process.exitCode = 1;
    const text = lastWords(code)
      .map((line) => `${visibleText(line)}\n`)
      .join("");
    try {
      writeAll(process.stderr.fd, text);
    } catch {
      // Nobody is there to read it.
    }
  };
  process.on("exit", exited);
  return {
    [Symbol.dispose]() {
      process.off("exit", exited);
    },
  };
}
