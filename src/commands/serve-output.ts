// The log of serve on stderr. A reader that takes nothing (a terminal that Ctrl-S has stopped, a pager, a collector of logs that hangs)
// must not keep slots from starting: lines wait for it in the background, and are left out when too many wait.

import { plural } from "../base/text.ts";
import type { Sink } from "../terminal/sinks.ts";

export class ServeOutput {
  readonly #sink: Sink;
  #leftOut = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  readonly write = (lines: string): void => {
    if (this.#sink.behind() !== undefined) {
      this.#leftOut++;
      return;
    }
    if (this.#leftOut > 0) {
      const what = plural(this.#leftOut, "message");
      this.#leftOut = 0;
      this.#sink.write(`… ${what} left out: nobody read this log\n`);
    }
    this.#sink.write(lines);
  };

  /** See `Sink`. */
  written(stallMs: number): Promise<void> {
    return this.#sink.written(stallMs);
  }
}
