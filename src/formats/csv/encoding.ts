// A file's character encoding: detected from its first bytes, and decoding to UTF-8.

import { isUtf8 } from "node:buffer";

export const encodings = ["utf-8", "latin1", "utf-16le", "utf-16be"] as const;
export type Encoding = (typeof encodings)[number];

export const isWide = (encoding: Encoding): boolean => encoding.startsWith("utf-16");

/**
 * Latin-1 as browsers read it: Windows-1252. It has the same letters, plus quotes and dashes in Latin-1's control
 * range.
 */
const latin1 = new TextDecoder("windows-1252");

/** Marks an invalid character. This byte never occurs in UTF-8, so the reader reports the record that contains it. */
const invalidByte = 0xff;

/** Decodes a block to UTF-8. An unpaired surrogate or half a UTF-16 unit becomes `invalidByte`. */
export function toUtf8(bytes: Buffer, encoding: Exclude<Encoding, "utf-8">): Buffer {
  if (encoding === "latin1") return Buffer.from(latin1.decode(bytes));
  const even = bytes.length & ~1;
  const units = bytes.subarray(0, even);
  const text = (encoding === "utf-16le" ? units : Buffer.from(units).swap16()).toString("utf16le");
  if (text.isWellFormed() && even === bytes.length) return Buffer.from(text);
  return joined(text.split(loneSurrogate), even < bytes.length);
}

/** An unpaired surrogate. With the flag `u`, a valid pair is one character and does not match. */
const loneSurrogate = /\p{Surrogate}/u;

function joined(parts: readonly string[], endsTorn: boolean): Buffer {
  const invalid = Buffer.of(invalidByte);
  const buffers = parts.flatMap((part, i) =>
    i === 0 ? [Buffer.from(part)] : [invalid, Buffer.from(part)],
  );
  return Buffer.concat(endsTorn ? [...buffers, invalid] : buffers);
}

/** Decodes the beginning of a file. */
export const decodeHead = (head: Buffer, encoding: Encoding): string =>
  (encoding === "utf-8" ? head : toUtf8(head, encoding)).toString();

/** The length of a text in the file, in bytes. */
export function byteLength(text: string, encoding: Encoding): number {
  if (encoding === "utf-8") return Buffer.byteLength(text);
  return isWide(encoding) ? text.length * 2 : text.length;
}

type Beginning = {
  readonly encoding: Encoding;
  /** Length of the byte order mark, in bytes. */
  readonly bomBytes: number;
};

/**
 * Detects an encoding from a file's first bytes. Evidence is a byte order mark; zeros at every other byte (UTF-16 of
 * ASCII text); or two-byte line breaks in bytes that are not UTF-8. Null: no evidence, so assume UTF-8 until a byte
 * contradicts.
 */
export function detectEncoding(head: Uint8Array): Beginning | null {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) {
    return { encoding: "utf-8", bomBytes: 3 };
  }
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: "utf-16le", bomBytes: 2 };
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: "utf-16be", bomBytes: 2 };
  const sample = head.subarray(0, 1024);
  const [even, odd] = [zerosFrom(sample, 0), zerosFrom(sample, 1)];
  if (odd > sample.length / 4 && even === 0) return { encoding: "utf-16le", bomBytes: 0 };
  if (even > sample.length / 4 && odd === 0) return { encoding: "utf-16be", bomBytes: 0 };
  if (beginsAsUtf8(head)) return null;
  const [little, big] = [wideBreaks(head, 0), wideBreaks(head, 1)];
  if (little === big) return null;
  return { encoding: little > big ? "utf-16le" : "utf-16be", bomBytes: 0 };
}

/** Counts zeros at every other byte. */
function zerosFrom(bytes: Uint8Array, first: number): number {
  let zeros = 0;
  for (let at = first; at < bytes.length; at += 2) if (bytes[at] === 0) zeros++;
  return zeros;
}

/** The head may end inside a character, so up to 3 bytes are ignored. */
const beginsAsUtf8 = (head: Uint8Array): boolean =>
  [0, 1, 2, 3].some((cut) => isUtf8(head.subarray(0, Math.max(0, head.length - cut))));

/** Counts two-byte line breaks. @param low index of the low byte: 0 or 1 */
function wideBreaks(head: Uint8Array, low: number): number {
  let breaks = 0;
  for (let at = 0; at + 1 < head.length; at += 2) {
    const code = head[at + low];
    if (head[at + 1 - low] === 0 && (code === 10 || code === 13)) breaks++;
  }
  return breaks;
}

/**
 * Whether the bytes contain a multi-byte UTF-8 character. Such sequences hardly ever occur in Latin-1 text. So a file
 * that contains one is UTF-8, and invalid bytes elsewhere in it are damage.
 */
export function hasMultibyte(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes[at] ?? 0;
    if (code < 0xc2 || code > 0xf4) continue;
    const more = code < 0xe0 ? 1 : code < 0xf0 ? 2 : 3;
    let found = 0;
    while (found < more && isContinuation(bytes[at + found + 1] ?? 0)) found++;
    if (found === more) return true;
  }
  return false;
}

const isContinuation = (code: number): boolean => code >= 0x80 && code < 0xc0;
