// `ctx.upsert` and `ctx.insert`: whatever the author has (an array, a generator, an async iterable) → chunks.

import type { Rows } from "../api/context.ts";
import { described } from "./encode-cell.ts";
import { RowEncoder } from "./row-encoder.ts";
import type { RowsTarget } from "./rows-target.ts";

export type { RowsTarget } from "./rows-target.ts";
export { insertTarget, upsertTarget } from "./rows-target.ts";

/** When a chunk is full: whichever comes first. */
export type ChunkLimits = { readonly rows: number; readonly chars: number };

/** Measured: 250 to 4,000 rows a chunk are alike; 1,000 keeps what the writer parses at once small. */
export const chunkLimits: ChunkLimits = { rows: 1000, chars: 256 * 1024 };

/** Takes one chunk: the text of a `rows` part (protocol/unit-part.ts). A promise makes the encoder wait: that is the back-pressure. */
export type ChunkSink = (text: string, rows: number) => void | Promise<void>;

/**
 * Encodes all rows and hands them to `sink` chunk by chunk, in order. An array is encoded before the call returns
 * unless `sink` makes it wait, so the author may change it afterwards.
 *
 * The columns are the union of the rows' keys. Of an array that is the union over all of it; of an iterable, which
 * is not read ahead, the union over the rows up to the end of the chunk.
 *
 * @returns how many rows there were
 * @throws TypeError for input that is not rows, and for cells that cannot be stored (named by row and column)
 */
export async function encodeRows(
  input: Rows,
  target: RowsTarget,
  sink: ChunkSink,
  limits: ChunkLimits = chunkLimits,
): Promise<number> {
  const chunks = new Chunks(target, limits);
  if (Array.isArray(input)) {
    for (const chunk of arrayChunks(input, target, limits)) {
      const room = sink(chunk.text, chunk.rows);
      if (room !== undefined) await room;
    }
    return input.length;
  }
  if (isAsyncIterable(input)) {
    for await (const row of input) {
      if (chunks.add(row)) await sink(...chunks.take());
    }
  } else if (isIterable(input)) {
    for (const row of input) {
      if (!chunks.add(row)) continue;
      const room = sink(...chunks.take());
      if (room !== undefined) await room;
    }
  } else {
    throw new TypeError(
      `${target.what}: the rows are ${described(input)}; pass an array, an iterable or an async iterable of objects`,
    );
  }
  chunks.finish();
  if (chunks.open) await sink(...chunks.take());
  return chunks.total;
}

/** Fills an encoder up to the limits, and counts. */
class Chunks {
  readonly #encoder: RowEncoder;
  readonly #target: RowsTarget;
  readonly #limits: ChunkLimits;
  total = 0;
  constructor(target: RowsTarget, limits: ChunkLimits) {
    this.#encoder = new RowEncoder(target);
    this.#target = target;
    this.#limits = limits;
  }
  get columns(): number {
    return this.#encoder.columns.length;
  }
  get open(): boolean {
    return this.#encoder.rows > 0;
  }
  /** True when the chunk is full. */
  add(row: unknown): boolean {
    this.#encoder.add(row);
    this.total++;
    return this.#encoder.rows >= this.#limits.rows || this.#encoder.chars >= this.#limits.chars;
  }
  take(): [text: string, rows: number] {
    const { rows } = this.#encoder;
    return [this.#encoder.take(), rows];
  }
  /** A column that `update` names and no row has is a slip of the pen, and would be left alone in silence. */
  finish(): void {
    const missing = this.#target.update.find((name) => !this.#encoder.columns.includes(name));
    if (this.total > 0 && missing !== undefined) {
      throw new TypeError(
        `${this.#target.what}: \`update\` names ${JSON.stringify(missing)}, which no row has (they have ${this.#encoder.columns.join(", ")})`,
      );
    }
  }
}

type Chunk = { readonly text: string; readonly rows: number };

/**
 * The chunks of an array, under the union of all its keys. Rows of one shape, which is nearly always, are encoded once;
 * when a key turns up after the first chunk was cut, all of it is encoded again with the columns in hand.
 */
function arrayChunks(
  input: readonly unknown[],
  target: RowsTarget,
  limits: ChunkLimits,
): readonly Chunk[] {
  const chunks = new Chunks(target, limits);
  const first = pass(input, chunks);
  chunks.finish();
  return first.columnsGrew ? pass(input, chunks).cut : first.cut;
}

function pass(
  input: readonly unknown[],
  chunks: Chunks,
): { readonly cut: readonly Chunk[]; readonly columnsGrew: boolean } {
  const cut: Chunk[] = [];
  let columns: number | null = null;
  const take = (): void => {
    columns ??= chunks.columns;
    const [text, rows] = chunks.take();
    cut.push({ text, rows });
  };
  for (let i = 0; i < input.length; i++) if (chunks.add(input[i])) take();
  if (chunks.open) take();
  return { cut, columnsGrew: columns !== null && columns !== chunks.columns };
}

const isAsyncIterable = (input: unknown): input is AsyncIterable<unknown> =>
  typeof input === "object" && input !== null && Symbol.asyncIterator in input;

const isIterable = (input: unknown): input is Iterable<unknown> =>
  typeof input === "object" && input !== null && Symbol.iterator in input;
