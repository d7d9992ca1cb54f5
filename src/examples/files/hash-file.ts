import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";

/** SHA-256 of a file, or of its first `bytes`. The caller may update the hash with further bytes. */
export async function hashFile(path: string, bytes = Number.POSITIVE_INFINITY): Promise<Hash> {
  const hash = createHash("sha256");
  if (bytes === 0) return hash;
  for await (const piece of createReadStream(path, { end: bytes - 1 }))
    hash.update(piece as Buffer);
  return hash;
}
