// The code of runs on this machine: bundles as files in a temporary folder that only this user can read.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { sha256 } from "../../../base/sha256.ts";

const prefix = "pipeloom-worker-";

export class BundleFolder implements Disposable {
  readonly #folder: string;
  /** How many runs use each bundle: a thread that is replaced loads it again. */
  readonly #uses = new Map<string, number>();

  constructor() {
    removeLeft();
    this.#folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  }

  /**
   * The bundle's file, until it is released. A thread that loads it shows its name in stacks.
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
    const text = existsSync(path) ? undefined : await fetch();
    if (text === null || (text !== undefined && sha256(text) !== hash)) return undefined;
    if (text !== undefined) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, text);
    }
    this.#uses.set(hash, (this.#uses.get(hash) ?? 0) + 1);
    return path;
  }

  release(hash: string): void {
    const uses = (this.#uses.get(hash) ?? 0) - 1;
    if (uses > 0) this.#uses.set(hash, uses);
    else if (this.#uses.delete(hash)) {
      rmSync(join(this.#folder, hash), { recursive: true, force: true });
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Of workers that were killed. */
function removeLeft(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = /^pipeloom-worker-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // It is another user's.
    return (thrown as NodeJS.ErrnoException).code === "EPERM";
  }
}
