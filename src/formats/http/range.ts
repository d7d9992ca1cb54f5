// The version (validator) and the byte range of a response (RFC 9110, sections 8.8, 13 and 14).

import { contentEncodings } from "./body.ts";
import { dateOf } from "./retried-fetch.ts";

/** Resolution of Last-Modified. Within one second of a change, a further change may keep the same time. */
const clockStepMs = 1000;

/** A strong validator (RFC 9110, 8.8.1): identifies these exact bytes. Null if the server sends none. */
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

/** Status codes of servers that refuse the range. The caller then requests the whole file. */
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
 * The range of a 206 response that continues `beginning` in the same version; null otherwise. The validator is compared
 * again, because some servers send 206 and ignore `If-Range`.
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

/** Content-Length in bytes; null if the server does not send it. */
export function contentLength({ headers }: Response): number | null {
  const length = headers.get("content-length") ?? "";
  return /^\d+$/.test(length) ? Number(length) : null;
}

/** Content coding → extensions of files that are stored in that format. */
const packedEndings: Readonly<Record<string, RegExp>> = {
  gzip: /\.(?:t?gz|gzip|svgz|emz|wmz)$/i,
  "x-gzip": /\.(?:t?gz|gzip|svgz|emz|wmz)$/i,
  br: /\.br$/i,
  zstd: /\.t?zst$/i,
  compress: /\.(?:t?z|taz)$/i,
  "x-compress": /\.(?:t?z|taz)$/i,
};

/**
 * The codings to decompress. Servers send `x.tar.gz` with `Content-Encoding: gzip`, although gzip is the file's own
 * format. That coding is kept, because a published checksum is of the compressed file.
 */
export function foreignCodings(response: Response, name: string): readonly string[] {
  const codings = contentEncodings(response);
  const [first] = codings;
  return first !== undefined && packedEndings[first]?.test(name) === true
    ? codings.slice(1)
    : codings;
}
