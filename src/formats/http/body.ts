// The bytes of a response's body. A broken transfer throws `BrokenError`, because the caller may resume it.

import { messageOf } from "../../base/fetch-problem.ts";
import { shownUrl } from "./shown-url.ts";

export type Piece = Uint8Array<ArrayBuffer>;
type Pieces = AsyncIterable<Piece>;

/** The transfer broke or stalled. The bytes received before are valid. */
export class BrokenError extends Error {
  override readonly name = "BrokenError";
}

const defaultStallMs = 30_000;

/**
 * The body as sent (`retriedFetch` does not decompress). The runtime checks it against Content-Length or chunked framing.
 * @throws BrokenError when the connection breaks, or when no byte arrives for `stallMs`
 */
export async function* bodyBytes(
  response: Response,
  signal: AbortSignal,
  stallMs = defaultStallMs,
): AsyncGenerator<Piece> {
  if (response.body === null) return;
  const reader: Reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await read(reader, shownUrl(response.url), signal, stallMs);
      if (done || value === undefined) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

type ReadResult = { done: boolean; value?: Piece | undefined };
type Reader = { read(): Promise<ReadResult>; cancel(): Promise<void> };

async function read(
  reader: Reader,
  url: string,
  signal: AbortSignal,
  stallMs: number,
): Promise<ReadResult> {
  const stalled = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => stalled.reject(new BrokenError(`${url}: received nothing for ${stallMs / 1000} s`)),
    stallMs,
  );
  try {
    return await Promise.race([reader.read(), stalled.promise]);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof BrokenError ? error : new BrokenError(`${url}: ${messageOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Content-Encoding (RFC 9110, 8.4.1) → format name of `DecompressionStream`. */
const unpackers: Readonly<Record<string, Bun.CompressionFormat>> = {
  gzip: "gzip",
  "x-gzip": "gzip",
  deflate: "deflate",
  br: "brotli",
  zstd: "zstd",
};

/** Value for `Accept-Encoding`: the codings that `unpacked` supports. */
export const acceptEncoding = "gzip, deflate, br, zstd";

/** The response's codings in the order they were applied, without `identity`. */
export const contentEncodings = ({ headers }: Response): readonly string[] =>
  (headers.get("content-encoding") ?? "")
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity");

/** Decompresses a body. @throws Error for an unsupported coding, and for invalid data */
export const unpacked = (bytes: Pieces, codings: readonly string[]): Pieces =>
  codings.toReversed().reduce(unpackedOnce, bytes);

async function* unpackedOnce(packed: Pieces, coding: string): AsyncGenerator<Piece> {
  const format = unpackers[coding];
  if (format === undefined)
    throw new Error(`the response's Content-Encoding is ${coding}, which is not supported`);
  try {
    yield* streamOf(packed).pipeThrough(new DecompressionStream(format));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Error(`the data is not valid ${coding}: ${error.message}`, { cause: error });
  }
}

function streamOf(bytes: Pieces): ReadableStream<Piece> {
  const source = bytes[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const next = await source.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await source.return?.();
    },
  });
}

const gzipMagic = [0x1f, 0x8b] as const;

/** Decompresses a gzip file; passes other bytes through. */
export async function* gunzipped(bytes: Pieces): AsyncGenerator<Piece> {
  const source = bytes[Symbol.asyncIterator]();
  const rest = { [Symbol.asyncIterator]: () => source };
  const first = await source.next();
  if (first.done === true) return;
  const isGzip = gzipMagic.every((byte, i) => first.value[i] === byte);
  const all = startingWith(first.value, rest);
  yield* isGzip ? unpacked(all, ["gzip"]) : all;
}

async function* startingWith<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}

/**
 * @param contentType its `charset` selects the decoder. Default: UTF-8, as RFC 8259 requires for JSON
 * @throws Error for an unsupported charset, and for bytes that are invalid in it
 */
export async function* textOf(bytes: Pieces, contentType: string | null): AsyncGenerator<string> {
  const label = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType ?? "")?.[1] ?? "utf-8";
  const decoder = decoderOf(label);
  for await (const piece of bytes) yield decoded(decoder, piece);
  yield decoded(decoder, null);
}

function decoderOf(label: string): TextDecoder {
  try {
    return new TextDecoder(label as Bun.Encoding, { fatal: true });
  } catch (cause) {
    throw new Error(`the response's charset is ${label}, which is not supported`, { cause });
  }
}

function decoded(decoder: TextDecoder, piece: Uint8Array | null): string {
  try {
    return piece === null ? decoder.decode() : decoder.decode(piece, { stream: true });
  } catch (cause) {
    throw new Error(
      `the data has bytes that are not ${decoder.encoding.toUpperCase()}; it must be UTF-8, or a server must declare its charset`,
      { cause },
    );
  }
}
