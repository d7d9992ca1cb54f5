// Classifies the fields of each column, for column types that lose nothing.

import { foldCase } from "../../base/fold-case.ts";
import { badHeaderError, type BadRecord, badRowError, type OptionNames } from "./bad-record.ts";
import type { RecordReader } from "./records.ts";
import { kindOf, kinds } from "./types.ts";

export type KindsOptions = {
  readonly skipBadRows: boolean;
  /** Columns that the table stores as numbers. Every field of these columns is classified. */
  readonly numberColumns: readonly string[] | "all";
  readonly names: OptionNames;
};

/** A field and its line. */
export type Example = { readonly field: string; readonly line: number };

export type InspectedColumn = {
  readonly name: string;
  /** Bit set of `Kind`. */
  readonly kinds: number;
  /** Kind → the first field of that kind. Plain integers have no example. */
  readonly examples: Readonly<Record<number, Example>>;
  /** False: classification stopped at the first text field. */
  readonly isComplete: boolean;
};

/** Longest part of a field in a message. */
const maxShownChars = 60;

/** The first record is the header. */
export class ColumnKinds {
  readonly #path: string;
  readonly #names: readonly string[];
  readonly #kinds: number[];
  readonly #examples: Record<number, Example>[];
  /** Per column: once one of these kinds was seen, classification stops. */
  readonly #enough: readonly number[];
  readonly #skipBadRows: boolean;
  readonly #options: OptionNames;
  #isHeader = true;
  rows = 0;
  badRows = 0;
  /** First lines of rows whose quote may be a plain character. */
  readonly doubtful: number[] = [];

  constructor(path: string, names: readonly string[], options: KindsOptions) {
    this.#path = path;
    this.#names = names;
    this.#kinds = names.map(() => kinds.empty);
    this.#examples = names.map(() => ({}));
    const { numberColumns } = options;
    const numbers = numberColumns === "all" ? names : numberColumns;
    const folded = new Set(numbers.map(foldCase));
    this.#enough = names.map((name) => (folded.has(foldCase(name)) ? 0 : kinds.text));
    this.#skipBadRows = options.skipBadRows;
    this.#options = options.names;
  }

  get columns(): InspectedColumn[] {
    return this.#names.map((name, i) => {
      const seen = this.#kinds[i] ?? kinds.empty;
      const isComplete = (seen & (this.#enough[i] ?? 0)) === 0;
      return { name, kinds: seen, examples: this.#examples[i] ?? {}, isComplete };
    });
  }

  /** Classifies all records of a block. */
  read(reader: RecordReader, bytes: Buffer): void {
    while (reader.next()) {
      const bad = reader.why === null ? null : reader.bad;
      if (bad !== null) this.#bad(bad);
      else if (this.#isHeader) this.#isHeader = false;
      else {
        this.rows++;
        this.#row(reader, bytes);
        if (reader.nextLine - reader.line > 1 && reader.isDoubtful) this.doubtful.push(reader.line);
      }
    }
  }

  #row(reader: RecordReader, bytes: Buffer): void {
    const { starts, ends } = reader.fields;
    const seen = this.#kinds;
    const enough = this.#enough;
    for (let i = 0; i < seen.length; i++) {
      const before = seen[i] as number;
      if ((before & (enough[i] as number)) !== 0) continue;
      const kind = kindOf(bytes, starts[i] ?? 0, ends[i] ?? 0);
      if ((before & kind) === kind) continue;
      seen[i] = before | kind;
      this.#keepExample(i, kind, reader);
    }
  }

  #keepExample(column: number, kind: number, reader: RecordReader): void {
    const examples = this.#examples[column];
    if (examples === undefined || kind === kinds.integer) return;
    const field = reader.text(column);
    const shown = field.length > maxShownChars ? `${field.slice(0, maxShownChars)}…` : field;
    examples[kind] = { field: shown, line: reader.line };
  }

  #bad(record: BadRecord): void {
    if (this.#isHeader) throw badHeaderError(this.#path, record, this.#options);
    if (!this.#skipBadRows) throw badRowError(this.#path, record, this.#options);
    this.badRows++;
  }
}
