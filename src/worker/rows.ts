// `ctx.upsert` and `ctx.insert`: whatever the author has (an array, a generator, an async iterable) → parts of a unit.

import { JSON } from "../base/globals.ts";
import { described } from "./encode-cell.ts";
import { RowEncoder } from "./row-encoder.ts";
import type { RowsTarget } from "./rows-target.ts";

export type { RowsTarget } from "./rows-target.ts";
export { insertTarget, upsertTarget } from "./rows-target.ts";

/** When a part is full: whichever comes first. */
export type PartLimits = { readonly rows: number; readonly chars: number };

/** Measured: 250 to 4,000 rows a part are alike; 1,000 keeps what the writer parses at once small. */
export const partLimits: PartLimits = { rows: 1000, chars: 256 * 1024 };

/** Takes the text of one `rows` part (protocol/unit-part.ts). */
export type PartSink = (text: string, rows: number) => void;

/** Encodes the rows of one call, one by one, and hands on each part that is full. */
export class RowParts {
  readonly #encoder: RowEncoder;
  readonly #target: RowsTarget;
  readonly #sink: PartSink;
  readonly #limits: PartLimits;
  #hasRows = false;

  constructor(target: RowsTarget, sink: PartSink, limits: PartLimits = partLimits) {
    this.#encoder = new RowEncoder(target);
    this.#target = target;
    this.#sink = sink;
    this.#limits = limits;
  }

  /** @throws TypeError for what cannot be stored, named by row and column; what the sink throws */
  add(row: unknown): void {
    const encoder = this.#encoder;
    encoder.add(row);
    if (encoder.rows >= this.#limits.rows || encoder.chars >= this.#limits.chars) this.#take();
  }

  /** Hands on what is left. */
  finish(): void {
    if (this.#encoder.rows > 0) this.#take();
    if (this.#hasRows) this.#checkUpdate();
  }

  #take(): void {
    const { rows } = this.#encoder;
    this.#hasRows = true;
    this.#sink(this.#encoder.take(), rows);
  }

  /** A column that `update` names and no row has is a slip of the pen, and would be left alone in silence. */
  #checkUpdate(): void {
    const { columns } = this.#encoder;
    const missing = this.#target.update.find((name) => !columns.includes(name));
    if (missing === undefined) return;
    throw new TypeError(
      `${this.#target.what}: \`update\` names ${JSON.stringify(missing)}, which no row has (they have ${columns.join(", ")})`,
    );
  }
}

/**
 * Encodes all rows of an array or an iterable before it returns: the author may change them afterwards.
 * @throws TypeError for input that is not rows, and for rows that cannot be stored; what the iterable or the sink throws
 */
export function encodeRows(
  input: unknown,
  target: RowsTarget,
  sink: PartSink,
  limits?: PartLimits,
): void {
  const parts = new RowParts(target, sink, limits);
  if (Array.isArray(input)) for (let i = 0; i < input.length; i++) parts.add(input[i]);
  else if (isIterable(input)) for (const row of input) parts.add(row);
  else {
    throw new TypeError(
      `${target.what}: the rows are ${described(input)}; pass an array, an iterable or an async iterable of objects`,
    );
  }
  parts.finish();
}

/** An array is read as one, whatever else it can do. */
export const isAsyncIterable = (input: unknown): input is AsyncIterable<unknown> =>
  typeof input === "object" &&
  input !== null &&
  !Array.isArray(input) &&
  Symbol.asyncIterator in input;

const isIterable = (input: unknown): input is Iterable<unknown> =>
  typeof input === "object" && input !== null && Symbol.iterator in input;
