// What a program says besides its output.

import { writeAll } from "../base/streams.ts";

/** Lines that are lost where stderr has no reader. */
export function sayOnStderr(lines: string): void {
  try {
    writeAll(process.stderr.fd, lines);
  } catch {
    // stderr has no reader.
  }
}
