// Which version of a file an answer is about, and which of its bytes (RFC 9110, 8.8, 13 and 14).

import { contentEncodings } from "./body.ts";
import { dateOf } from "./fetch-retry.ts";

/** A second after its last change a file that changes again gets another time. */
const clockStepMs = 1000;

/** What tells this version from every other, byte for byte; null when the server gives nothing that does. */
export function validatorOf({ headers }: Response): string | null {
  const etag = headers.get("etag");
  // A weak ETag does not promise the same bytes.
  if (etag !== null && /^"[^"]*"$/.test(etag)) return etag;
  const modified = headers.get("last-modified");
  const [changedAt, now] = [dateOf(modified), dateOf(headers.get("date"))];
  if (changedAt === null || now === null || now - changedAt < clockStepMs) return null;
  return modified;
}

export type Beginning = {
  readonly bytes: number;
  readonly validator: string;
  readonly total: number | null;
};

/** Answers of a server that does not want to give a range, or not this one: all of it is asked for then. */
export const refusedRange: readonly number[] = [400, 405, 412, 416, 501];

type Range = { readonly start: number; readonly end: number; readonly total: number | null };

function contentRange({ headers }: Response): Range | null {
  const [, start, end, total] =
    /^\s*bytes (\d+)-(\d+)\/(\d+|\*)\s*$/i.exec(headers.get("content-range") ?? "") ?? [];
  if (start === undefined || end === undefined) return null;
  return {
    start: Number(start),
    end: Number(end),
    total: total === undefined || total === "*" ? null : Number(total),
  };
}

/**
 * The range of a 206 that goes on where the beginning ends, of the same version; null for all else. Its validator must
 * be there and be the same: not every server that answers 206 has heeded `If-Range`.
 */
export function continuation(
  response: Response,
  beginning: Beginning,
): { readonly end: number; readonly total: number } | null {
  const range = response.status === 206 ? contentRange(response) : null;
  if (range === null || range.start !== beginning.bytes || range.end < range.start) return null;
  const { validator } = beginning;
  const name = validator.startsWith('"') ? "etag" : "last-modified";
  const isSame = response.headers.get(name) === validator;
  const total = range.total ?? beginning.total;
  if (!isSame || total === null || range.end >= total) return null;
  return total === (beginning.total ?? total) ? { end: range.end, total } : null;
}

/** Content-Length of what is stored as it comes; null when the server does not say. */
export function contentLength({ headers }: Response): number | null {
  const length = headers.get("content-length") ?? "";
  return /^\d+$/.test(length) ? Number(length) : null;
}

/** Endings of files that are packed, by the coding that a server may call the packing. */
const packedEndings: Readonly<Record<string, RegExp>> = {
  gzip: /\.(?:t?gz|gzip|svgz|emz|wmz)$/i,
  "x-gzip": /\.(?:t?gz|gzip|svgz|emz|wmz)$/i,
  br: /\.br$/i,
  zstd: /\.t?zst$/i,
  compress: /\.(?:t?z|taz)$/i,
  "x-compress": /\.(?:t?z|taz)$/i,
};

/**
 * The codings to undo. One that is the file's own format (`x.tar.gz` with `Content-Encoding: gzip`, which servers say of
 * stored files) is left: the file is wanted as it is, and its published checksum is of that.
 */
export function foreignCodings(response: Response, name: string): readonly string[] {
  const codings = contentEncodings(response);
  const [first] = codings;
  return first !== undefined && packedEndings[first]?.test(name) === true
    ? codings.slice(1)
    : codings;
}
