// What was written past pipeloom, by a child process of user code or by native code, as lines of the run's output.

import type { StreamNumber } from "../guard/pipes.ts";
import type { Mask } from "../protocol/mask.ts";
import type { LogLevel } from "../protocol/status.ts";
import { LineBuffer } from "../base/line-buffer.ts";

export class InheritedOutput {
  readonly #tell: (level: LogLevel, line: string) => void;
  readonly #lines: Readonly<Record<StreamNumber, LineBuffer>>;

  constructor(mask: Mask | undefined, tell: (level: LogLevel, line: string) => void) {
    const line = (text: string): void => tell("info", mask?.text(text) ?? text);
    this.#tell = tell;
    this.#lines = { 1: new LineBuffer(line, mask), 2: new LineBuffer(line, mask) };
  }

  write(stream: StreamNumber, text: string): void {
    this.#lines[stream].write(text);
  }

  dropped(bytes: number): void {
    const text = `${bytes.toLocaleString("en")} bytes of output that a program inherited are not shown: user code kept the main thread busy`;
    this.#tell("warn", text);
  }

  /** The unfinished lines. */
  end(): void {
    for (const lines of Object.values(this.#lines)) lines.end();
  }
}
