// Writes a file of a given size with reproducible bytes, and reads it back.

import { open, stat } from "node:fs/promises";

import { writeAll } from "./write-all.ts";

type Written = {
  readonly bytes: number;
  readonly sha256: string;
  readonly writeMs: number;
  readonly readMs: number;
};

const pieceBytes = 1024 * 1024;

/** Pseudo-random bytes (xorshift32, Marsaglia 2003), so that a disk or a file system cannot compress them. */
function fillBytes(bytes: Uint8Array<ArrayBuffer>, seed: number): void {
  const words = new Uint32Array(bytes.buffer, 0, bytes.length >> 2);
  let state = (Math.imul(seed, 2654435761) | 1) >>> 0;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
}

/** Whether the file begins with the bytes of this seed. True for a missing or empty file. */
export async function isOwnFile(path: string, seed: number): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (found === null) return true;
  if (!found.isFile()) return false;
  const expected = new Uint8Array(pieceBytes);
  fillBytes(expected, seed);
  const begins = await Bun.file(path).slice(0, pieceBytes).bytes();
  return Buffer.from(begins).equals(expected.subarray(0, begins.length));
}

/**
 * @param onPiece called after each piece with the bytes written plus the bytes read so far, at most twice the size
 * @throws Error if the bytes read back differ
 */
export async function writeAndVerify(
  path: string,
  bytes: number,
  seed: number,
  onPiece: (done: number) => void,
): Promise<Written> {
  const piece = new Uint8Array(pieceBytes);
  const sizes = Array.from({ length: Math.ceil(bytes / pieceBytes) }, (_, i) =>
    Math.min(pieceBytes, bytes - i * pieceBytes),
  );
  const written = new Bun.CryptoHasher("sha256");
  let done = 0;
  await using file = await open(path, "w+");
  const writeStart = performance.now();
  for (const [index, size] of sizes.entries()) {
    fillBytes(piece, seed + index);
    written.update(piece.subarray(0, size));
    await writeAll(file, piece.subarray(0, size), index * pieceBytes);
    onPiece((done += size));
  }
  await file.sync();
  const readStart = performance.now();
  const read = new Bun.CryptoHasher("sha256");
  for (const [index, size] of sizes.entries()) {
    const { bytesRead } = await file.read(piece, 0, size, index * pieceBytes);
    read.update(piece.subarray(0, bytesRead));
    onPiece((done += size));
  }
  const readMs = performance.now() - readStart;
  const [sha256, again] = [written.digest("hex"), read.digest("hex")];
  if (sha256 !== again)
    throw new Error(`${path}: the bytes read back differ from the bytes written`);
  return { bytes, sha256, writeMs: readStart - writeStart, readMs };
}
