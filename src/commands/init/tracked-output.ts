// A terminal's output that knows in which row the cursor is, so that what was printed can be erased again.

import { Writable } from "node:stream";

/** What moves the cursor to another row. Clack wraps its lines itself, so a line is a row. */
// eslint-disable-next-line no-control-regex
const moves = /\n|\u001B\[(\d*)([ABEF])/g;

type Terminal = Writable & { readonly columns?: number; readonly rows?: number };

export class TrackedOutput extends Writable {
  readonly #terminal: Terminal;
  readonly #resized = (): void => void this.emit("resize");
  #row = 0;

  constructor(terminal: Terminal) {
    super({ decodeStrings: false });
    this.#terminal = terminal;
    terminal.on("resize", this.#resized);
  }

  /** Counted from the row of the first output. */
  get row(): number {
    return this.#row;
  }

  get columns(): number | undefined {
    return this.#terminal.columns;
  }

  get rows(): number | undefined {
    return this.#terminal.rows;
  }

  /** Erases the rows from this one to the last; the next output is in this one. */
  eraseFrom(row: number): void {
    const up = this.#row - row;
    this.write(`${up > 0 ? `\u001B[${up}A` : ""}\r\u001B[J`);
  }

  override _write(chunk: string | Buffer, _: BufferEncoding, done: () => void): void {
    const text = chunk.toString();
    for (const [, count, move] of text.matchAll(moves)) {
      const rows = count === undefined || count === "" ? 1 : Number(count);
      this.#row += move === "A" || move === "F" ? -rows : rows;
    }
    this.#terminal.write(text);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#terminal.off("resize", this.#resized);
    done(error);
  }
}
