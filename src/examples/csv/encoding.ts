// Which characters the bytes of a file stand for: told by its beginning, or tried.

export const encodings = ["utf-8", "latin1", "utf-16le", "utf-16be"] as const;
export type Encoding = (typeof encodings)[number];

/** Latin-1 as the web reads it, which is Windows-1252: the same letters, and quotes and dashes where Latin-1 has none. */
const labels = {
  "utf-8": "utf-8",
  latin1: "windows-1252",
  "utf-16le": "utf-16le",
  "utf-16be": "utf-16be",
} as const;

export const isWide = (encoding: Encoding): boolean => encoding.startsWith("utf-16");

/** Decodes whole blocks; a byte order mark within the data is a character like others. */
export function decoderOf(encoding: Encoding): (bytes: Uint8Array) => string {
  const decoder = new TextDecoder(labels[encoding], { ignoreBOM: true });
  return (bytes) => decoder.decode(bytes);
}

/** How many bytes a text took in the file. */
export function byteLength(text: string, encoding: Encoding): number {
  if (encoding === "utf-8") return Buffer.byteLength(text);
  return isWide(encoding) ? text.length * 2 : text.length;
}

export type Beginning = { readonly encoding: Encoding; readonly bomBytes: number };

/**
 * What a file's first bytes say: a byte order mark, or zeros at every other place (ASCII in UTF-16). Null: nothing, so
 * it is UTF-8 unless its bytes turn out not to be.
 */
export function detectEncoding(head: Uint8Array): Beginning | null {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) {
    return { encoding: "utf-8", bomBytes: 3 };
  }
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: "utf-16le", bomBytes: 2 };
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: "utf-16be", bomBytes: 2 };
  const zeros = [0, 0];
  const sample = head.subarray(0, 1024);
  for (let i = 0; i < sample.length; i++)
    if (sample[i] === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (odd > sample.length / 4 && even === 0) return { encoding: "utf-16le", bomBytes: 0 };
  if (even > sample.length / 4 && odd === 0) return { encoding: "utf-16be", bomBytes: 0 };
  return null;
}

/** The byte order mark that a file of this encoding begins with, or 0. */
export function bomBytes(head: Uint8Array, encoding: Encoding): number {
  const detected = detectEncoding(head);
  return detected?.encoding === encoding ? detected.bomBytes : 0;
}
