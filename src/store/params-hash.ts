// A salted hash of a run's params, to compare runs although the database has the params only masked. Each row has its own
// salt, so that equal secrets in two rows have different hashes.

import { Buffer, crypto } from "../base/globals.ts";

const saltBytes = 16;

/** Not by `node:crypto`: that costs 3 ms and 7 MB of the writer's start. */
const digest = (salt: string, canonicalParams: string): string =>
  new Bun.CryptoHasher("sha256", Buffer.from(salt, "hex")).update(canonicalParams).digest("hex");

/** @returns `<salt>:<digest>`, both in hex */
export function hashParams(canonicalParams: string): string {
  const salt = crypto.getRandomValues(new Uint8Array(saltBytes)).toHex();
  return `${salt}:${digest(salt, canonicalParams)}`;
}

/** @param hash from `hashParams` */
export function isHashOf(hash: string, canonicalParams: string): boolean {
  const [salt, stored] = hash.split(":");
  return salt !== undefined && stored === digest(salt, canonicalParams);
}
