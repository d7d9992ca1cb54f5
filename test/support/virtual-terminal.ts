// A terminal in memory: interprets output, and tests assert on its rows of text. It accepts only the sequences that the
// screen uses; any other sequence throws, so that a stray one fails the test.

/** Style of a character. `color` is the SGR parameter of its foreground, e.g. `36` or `38;5;43`. */
export type Look = { readonly color: string; readonly bold: boolean; readonly dim: boolean };

type Cell = { readonly text: string; readonly look: Look };

type Row = {
  /** One entry per column. The second column of a wide character is empty. */
  cells: Cell[];
  /** The line continues on the next row. */
  wrapped: boolean;
};

export type VirtualTerminalOptions = {
  readonly columns?: number;
  readonly rows?: number;
  /** Long lines at a resize: wrapped again, or truncated as in xterm. */
  readonly rewraps?: boolean;
  /** Whether an emoji of several code points takes two columns. xterm and VTE draw each part separately. */
  readonly joins?: boolean;
  /** Whether characters of ambiguous width take two columns, as in East Asian locales. */
  readonly isAmbiguousWide?: boolean;
};

const plainLook: Look = { color: "", bold: false, dim: false };
const blank: Cell = { text: " ", look: plainLook };

// eslint-disable-next-line no-control-regex
const token = /\x1b\[([?\d;]*)([A-Za-z])|[\r\n]|[^\x1b\r\n]+|[^]/g;
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

export class VirtualTerminal {
  columns: number;
  rows: number;
  readonly isTTY = true;
  cursorVisible = true;
  /** All output, one entry per write. */
  readonly writes: string[] = [];
  #buffer: Row[] = [{ cells: [], wrapped: false }];
  /** Index of the first row on the screen. The rows before it are the scrollback. */
  #top = 0;
  #row = 0;
  #column = 0;
  #synchronized = false;
  #autowrap = true;
  #look = plainLook;
  readonly #rewraps: boolean;
  readonly #joins: boolean;
  readonly #ambiguousIsNarrow: boolean;
  readonly #listeners = new Set<() => void>();

  constructor({
    columns = 80,
    rows = 24,
    rewraps = true,
    joins = true,
    isAmbiguousWide = false,
  }: VirtualTerminalOptions = {}) {
    this.columns = columns;
    this.rows = rows;
    this.#rewraps = rewraps;
    this.#joins = joins;
    this.#ambiguousIsNarrow = !isAmbiguousWide;
  }

  on(_: "resize", listener: () => void): void {
    this.#listeners.add(listener);
  }

  off(_: "resize", listener: () => void): void {
    this.#listeners.delete(listener);
  }

  write(text: string): boolean {
    this.writes.push(text);
    for (const [part, parameters, final] of text.matchAll(token)) {
      if (final !== undefined) this.#sequence(parameters ?? "", final, part);
      else if (part === "\r") this.#column = 0;
      else if (part === "\n") this.#lineFeed(false);
      else this.#print(part);
    }
    if (this.#synchronized) throw new Error("a synchronized update was left open");
    if (!this.#autowrap) throw new Error("autowrap was left off");
    return true;
  }

  /** The rows on the screen, without trailing blanks. */
  screen(): string[] {
    const rows = this.#buffer.slice(this.#top, this.#top + this.rows).map(textOf);
    return [...rows, ...Array<string>(Math.max(0, this.rows - rows.length)).fill("")];
  }

  /** All lines including the scrollback; wrapped rows are joined, and trailing blank lines are removed. */
  lines(): string[] {
    const lines: string[] = [];
    let open = false;
    for (const row of this.#buffer) {
      const text = joined(row);
      if (open) lines.push((lines.pop() ?? "") + text);
      else lines.push(text);
      open = row.wrapped;
    }
    const trimmed = lines.map((line) => line.trimEnd());
    while (trimmed.at(-1) === "") trimmed.pop();
    return trimmed;
  }

  get cursor(): { row: number; column: number } {
    return { row: this.#row - this.#top, column: this.#column };
  }

  /** Whether color and weight are reset. */
  get isPlain(): boolean {
    return this.#look === plainLook;
  }

  /** The rows on the screen as runs of equally styled characters. */
  runs(): { readonly text: string; readonly column: number; readonly look: Look }[][] {
    return this.#buffer.slice(this.#top, this.#top + this.rows).map(({ cells }) => {
      const runs: { text: string; column: number; look: Look }[] = [];
      for (const [column, { text, look }] of cells.entries()) {
        const last = runs.at(-1);
        if (last !== undefined && sameLook(last.look, look)) last.text += text;
        else runs.push({ text, column, look });
      }
      return runs;
    });
  }

  resize(columns: number, rows: number): void {
    if (columns !== this.columns) this.#rewrap(columns);
    this.columns = columns;
    this.rows = rows;
    this.#fitHeight();
    for (const listener of this.#listeners) listener();
  }

  #sequence(parameters: string, final: string, whole: string): void {
    const count = Math.max(1, Number(parameters) || 1);
    if ((final === "J" || final === "K") && parameters !== "") {
      throw new Error(`unexpected sequence ${JSON.stringify(whole)}`);
    }
    switch (final) {
      case "A":
        this.#row = Math.max(this.#top, this.#row - count);
        return;
      case "B":
        this.#row = Math.min(this.#top + this.rows - 1, this.#row + count);
        return this.#grow();
      case "K":
        this.#current.cells.length = Math.min(this.#current.cells.length, this.#column);
        this.#current.wrapped = false;
        return;
      case "J":
        if (this.#row === this.#top && this.#column === 0 && this.#buffer.length > this.#row + 1) {
          throw new Error(
            "tmux keeps a screen that is cleared from its first cell in the scrollback",
          );
        }
        this.#current.cells.length = Math.min(this.#current.cells.length, this.#column);
        this.#current.wrapped = false;
        this.#buffer.length = this.#row + 1;
        return;
      case "m":
        this.#look = nextLook(this.#look, parameters);
        return;
      case "h":
      case "l":
        return this.#mode(parameters, final === "h", whole);
      default:
        throw new Error(`unexpected sequence ${JSON.stringify(whole)}`);
    }
  }

  #mode(parameters: string, on: boolean, whole: string): void {
    if (parameters === "?25") this.cursorVisible = on;
    else if (parameters === "?2026") this.#synchronized = on;
    else if (parameters === "?7") this.#autowrap = on;
    else throw new Error(`unexpected mode ${JSON.stringify(whole)}`);
  }

  #print(text: string): void {
    for (const { segment } of graphemes.segment(text)) {
      // eslint-disable-next-line no-control-regex
      if (/[\x00-\x1f\x7f-\x9f]/.test(segment)) {
        throw new Error(`unexpected control character ${JSON.stringify(segment)}`);
      }
      for (const part of this.#joins ? [segment] : segment) this.#put(part, this.#widthOf(part));
    }
  }

  #widthOf(text: string): number {
    return Bun.stringWidth(text, { ambiguousIsNarrow: this.#ambiguousIsNarrow });
  }

  #put(segment: string, wide: number): void {
    if (wide === 0) {
      const at = this.#column - 1;
      const before = this.#current.cells[at];
      if (before !== undefined) {
        this.#current.cells[at] = { ...before, text: before.text + segment };
      }
      return;
    }
    if (this.#column + wide > this.columns) {
      if (this.#autowrap) this.#lineFeed(true);
      else this.#column = Math.max(0, this.columns - wide);
    }
    const { cells } = this.#current;
    while (cells.length < this.#column) cells.push(blank);
    const look = this.#look;
    cells[this.#column] = { text: segment, look };
    for (let i = 1; i < wide; i++) cells[this.#column + i] = { text: "", look };
    this.#column += wide;
  }

  #lineFeed(wrap: boolean): void {
    this.#current.wrapped = wrap;
    this.#row++;
    if (wrap) this.#column = 0;
    this.#grow();
    this.#top = Math.max(this.#top, this.#row - this.rows + 1);
  }

  #grow(): void {
    while (this.#buffer.length <= this.#row) this.#buffer.push({ cells: [], wrapped: false });
  }

  get #current(): Row {
    const row = this.#buffer[this.#row];
    if (row === undefined) throw new Error("the cursor is outside of the terminal");
    return row;
  }

  #rewrap(columns: number): void {
    if (!this.#rewraps) {
      for (const row of this.#buffer) row.cells.length = Math.min(row.cells.length, columns);
      this.#column = Math.min(this.#column, columns - 1);
      return;
    }
    const rows: Row[] = [];
    let line: Cell[] = [];
    for (const [i, row] of this.#buffer.entries()) {
      const here = i === this.#row;
      line.push(...row.cells);
      if (row.wrapped) continue;
      const wrapped = wrapAt(line, columns);
      line = [];
      rows.push(...wrapped);
      // The screen parks the cursor at the start of an empty row, so its own line never rewraps.
      if (here) this.#row = rows.length - wrapped.length;
    }
    this.#buffer = rows;
    this.#grow();
  }

  /** Shrinking removes blank rows below the cursor first, then scrolls. Growing takes rows back from the scrollback. */
  #fitHeight(): void {
    while (this.#buffer.length - 1 > this.#row && this.#buffer.at(-1)?.cells.length === 0) {
      this.#buffer.pop();
    }
    this.#top = Math.max(0, this.#buffer.length - this.rows);
  }
}

const joined = ({ cells }: Row): string => cells.map(({ text }) => text).join("");
const textOf = (row: Row): string => joined(row).trimEnd();

const sameLook = (a: Look, b: Look): boolean =>
  a.color === b.color && a.bold === b.bold && a.dim === b.dim;

function nextLook(look: Look, parameters: string): Look {
  switch (parameters) {
    case "":
    case "0":
      return plainLook;
    case "1":
      return { ...look, bold: true };
    case "2":
      return { ...look, dim: true };
    case "22":
      return { ...look, bold: false, dim: false };
    case "39":
      return { ...look, color: "" };
    default:
      return { ...look, color: parameters };
  }
}

function wrapAt(cells: readonly Cell[], columns: number): Row[] {
  const rows: Row[] = [];
  let at = 0;
  while (cells.length - at > columns) {
    // A wide character does not cross the edge, unless there is one column only.
    const size = Math.max(1, cells[at + columns]?.text === "" ? columns - 1 : columns);
    rows.push({ cells: cells.slice(at, at + size), wrapped: true });
    at += size;
  }
  rows.push({ cells: cells.slice(at), wrapped: false });
  return rows;
}
