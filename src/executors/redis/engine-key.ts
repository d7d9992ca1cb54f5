// The key that both sides of an engine have (`PIPELOOM_ENGINE_KEY`). Everything that crosses Redis is signed with it: who can
// write to Redis must not be able to run code on a worker, or to put rows into the database.

import { Buffer } from "../../base/globals.ts";

/** Of a signature: SHA-256 in hex. */
export const signatureChars = 64;
/** Shorter keys can be found by trying. */
const leastChars = 16;

export class EngineKey {
  readonly #key: string;
  /** Tells keys apart and says nothing of them: part of the queue's name, so that machines with another key take no leases. */
  readonly id: string;

  private constructor(key: string) {
    this.#key = key;
    this.id = this.sign(["id"]).slice(0, 12);
  }

  /** @throws Error for a key that is missing or too short */
  static from(text: string | undefined): EngineKey {
    if (text === undefined || text === "") {
      throw new Error(
        "PIPELOOM_ENGINE_KEY is not set; the run and its workers sign with it what they send each other: give both the same long random text, e.g. from `openssl rand -hex 32`",
      );
    }
    if (text.length < leastChars) {
      throw new Error(
        `PIPELOOM_ENGINE_KEY has ${text.length} characters; at least ${leastChars} are needed, e.g. from \`openssl rand -hex 32\``,
      );
    }
    return new EngineKey(text);
  }

  /** HMAC-SHA-256 in hex, of the parts and where each ends. */
  sign(parts: readonly string[]): string {
    const hash = new Bun.CryptoHasher("sha256", this.#key);
    for (const part of parts) {
      hash.update(`${part.length}:`);
      hash.update(part);
    }
    return hash.digest("hex");
  }

  /** In a time that does not depend on where the signatures differ. */
  verifies(parts: readonly string[], signature: string): boolean {
    const expected = Buffer.from(this.sign(parts));
    const given = Buffer.from(signature);
    const { timingSafeEqual } = process.getBuiltinModule("node:crypto");
    return expected.length === given.length && timingSafeEqual(expected, given);
  }
}
