// Standard input as a file: CSV is read twice, once to find the types of its columns.

import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { UsageError } from "../../cli/usage-error.ts";
import { provideStandardInput } from "../../formats/csv/standard-input.ts";

/**
 * @returns the SHA-256 of the contents, as a param: a run can be continued with the same contents
 * @throws UsageError if nothing is piped in
 */
export async function readStdin(): Promise<string> {
  if (process.stdin.isTTY) {
    throw new UsageError(
      "- is standard input, and nothing is piped into it",
      "e.g. pipeloom csv - --table sales < sales.csv",
    );
  }
  const descriptor = unnamedFile();
  try {
    const sha256 = await copyTo(descriptor);
    provideStandardInput(descriptor);
    return sha256;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Its name is removed at once: the contents are gone with the process, even if it is killed. */
function unnamedFile(): number {
  const folder = mkdtempSync(join(tmpdir(), "pipeloom-stdin-"));
  try {
    return openSync(join(folder, "contents"), "wx+", 0o600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A piece at a time: the input may be larger than memory. */
async function copyTo(descriptor: number): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const bytes of Bun.stdin.stream()) {
    hash.update(bytes);
    for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
  }
  return hash.digest("hex");
}
