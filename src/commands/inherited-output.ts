// Output of child processes and native code that bypasses JavaScript, split into lines of the run's log.

import type { StreamNumber } from "../watchdog/output-pipes.ts";
import type { Mask } from "../protocol/mask.ts";
import type { LogLevel } from "../protocol/status.ts";
import { LineBuffer } from "../base/line-buffer.ts";

export class InheritedOutput {
  readonly #log: (level: LogLevel, line: string) => void;
  readonly #lines: Readonly<Record<StreamNumber, LineBuffer>>;

  constructor(mask: Mask | undefined, log: (level: LogLevel, line: string) => void) {
    const line = (text: string): void => log("info", mask?.text(text) ?? text);
    this.#log = log;
    this.#lines = { 1: new LineBuffer(line, mask), 2: new LineBuffer(line, mask) };
  }

  write(stream: StreamNumber, text: string): void {
    this.#lines[stream].write(text);
  }

  dropped(bytes: number): void {
    const text = `${bytes.toLocaleString("en")} bytes of output of child processes are not shown: user code blocked the main thread`;
    this.#log("warn", text);
  }

  /** Flushes unfinished lines. */
  end(): void {
    for (const lines of Object.values(this.#lines)) lines.end();
  }
}
