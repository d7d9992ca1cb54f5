// A folder of a test's own, gone when the test ends: `using folder = tempFolder()`.

import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type TempFolder = Disposable & {
  readonly path: string;
  file(name: string): string;
  /** Names, sorted. */
  list(): string[];
  /** SHA-256 of every file, by name: what must be the same before and after. */
  bytes(): Record<string, string>;
};

export function tempFolder(): TempFolder {
  const path = mkdtempSync(join(tmpdir(), "pipeloom-test-"));
  const list = (): string[] => readdirSync(path).toSorted();
  const digest = (name: string): string =>
    createHash("sha256")
      .update(readFileSync(join(path, name)))
      .digest("hex");
  return {
    path,
    file: (name) => join(path, name),
    list,
    bytes: () => Object.fromEntries(list().map((name) => [name, digest(name)])),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
