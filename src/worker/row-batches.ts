// `ctx.upsert` and `ctx.insert`: rows in any form (an array, a generator, an async iterable) → row batches of a unit.

import { JSON } from "../base/globals.ts";
import { describeValue } from "../base/describe-value.ts";
import { RowEncoder } from "./row-encoder.ts";
import { SeenValues } from "./seen-values.ts";
import type { TargetTable } from "./target-table.ts";

/** A batch is full when it reaches one of these. */
export type BatchLimits = { readonly rows: number; readonly chars: number };

/** Measured: 250 to 4,000 rows a batch are equally fast. 1,000 keeps what the writer parses at once small. */
const batchLimits: BatchLimits = { rows: 1000, chars: 256 * 1024 };

/** Takes the text of one row batch (protocol/codec/row-batch-format.ts). */
type BatchSink = (text: string, rows: number) => void;

/** Encodes the rows of one call one by one, and passes on each full batch. */
export class RowBatcher {
  readonly #encoder: RowEncoder;
  readonly #target: TargetTable;
  readonly #sink: BatchSink;
  readonly #limits: BatchLimits;
  #hasRows = false;
  /** Of the rows so far, with `create: true`. */
  readonly seen: SeenValues | undefined;

  constructor(target: TargetTable, sink: BatchSink, limits: BatchLimits = batchLimits) {
    this.#encoder = new RowEncoder(target);
    this.#target = target;
    this.#sink = sink;
    this.#limits = limits;
    this.seen = target.created === undefined ? undefined : new SeenValues();
  }

  /** @throws TypeError naming row and column for a value that cannot be stored; what the sink throws */
  add(row: unknown): void {
    const encoder = this.#encoder;
    encoder.add(row);
    if (encoder.rows >= this.#limits.rows || encoder.chars >= this.#limits.chars) this.#take();
  }

  /** Passes on the last batch. */
  finish(): void {
    if (this.#encoder.rows > 0) this.#take();
    if (this.#hasRows) this.#checkUpdate();
  }

  #take(): void {
    const { rows } = this.#encoder;
    this.#hasRows = true;
    if (this.seen !== undefined) this.#encoder.see(this.seen);
    this.#sink(this.#encoder.take(), rows);
  }

  /** A column that `update` names and no row has is a typing error. SQLite would leave the column as it is. */
  #checkUpdate(): void {
    const { columns } = this.#encoder;
    const missing = this.#target.update.find((name) => !columns.includes(name));
    if (missing === undefined) return;
    throw new TypeError(
      `${this.#target.label}: \`update\` names ${JSON.stringify(missing)}, which no row has (they have ${columns.join(", ")})`,
    );
  }
}

/**
 * Encodes all rows of an array or an iterable before it returns: the author may change them afterwards.
 * @returns their values, with `create: true`
 * @throws TypeError for input that is not rows, and for rows that cannot be stored; what the iterable or the sink throws
 */
export function encodeRows(
  input: unknown,
  target: TargetTable,
  sink: BatchSink,
  limits?: BatchLimits,
): SeenValues | undefined {
  const batcher = new RowBatcher(target, sink, limits);
  if (Array.isArray(input)) for (let i = 0; i < input.length; i++) batcher.add(input[i]);
  else if (isIterable(input)) for (const row of input) batcher.add(row);
  else {
    throw new TypeError(
      `${target.label}: the rows are ${describeValue(input)}; pass an array, an iterable or an async iterable of objects`,
    );
  }
  batcher.finish();
  return batcher.seen;
}

/** False for an array, even one that has an async iterator. */
export const isAsyncIterable = (input: unknown): input is AsyncIterable<unknown> =>
  typeof input === "object" &&
  input !== null &&
  !Array.isArray(input) &&
  Symbol.asyncIterator in input;

const isIterable = (input: unknown): input is Iterable<unknown> =>
  typeof input === "object" && input !== null && Symbol.iterator in input;
