// The code of runs on this machine: bundles as files in a temporary folder that only this user can read.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { sha256 } from "../../../base/sha256.ts";

export class BundleFolder implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "pipeloom-worker-"));

  /**
   * The bundle's file. A thread that loads it shows its name in stacks.
   * @param hash of the signed message that named it: who can write to Redis cannot put other code there
   * @returns undefined where `fetch` has no such bundle
   */
  async file(
    hash: string,
    name: string,
    fetch: () => Promise<string | null>,
  ): Promise<string | undefined> {
    if (!/^[0-9a-f]{64}$/.test(hash)) throw new Error(`"${hash}" is no hash of a bundle`);
    const folder = join(this.#folder, hash);
    const path = join(folder, `${name.replaceAll(/[^\w.-]/g, "_")}.js`);
    if (existsSync(path)) return path;
    const text = await fetch();
    if (text === null || sha256(text) !== hash) return undefined;
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
