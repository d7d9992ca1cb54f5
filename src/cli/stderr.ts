// What a program says besides its output.

import { writeAll } from "../base/streams.ts";

/** Lines that are lost where stderr has no reader. */
export function sayOnStderr(lines: string): void {
  try {
    writeAll(2, lines);
  } catch {
    // stderr has no reader.
  }
}
