// The code of runs on this machine: bundles as files in a temporary folder that only this user can read.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, sep } from "node:path";

import { Buffer, JSON } from "../../../base/globals.ts";
import { sha256 } from "../../../base/sha256.ts";
import type { SharedModule } from "../engine-messages.ts";

const prefix = "pipeloom-worker-";

/** What a run names of its code: all by hashes of the signed message. */
type Named = Omit<Extract<SharedModule, { kind: "bundle" }>, "kind">;

type Found = {
  readonly path: string;
  /** Where the declared files are; undefined where there are none. */
  readonly folder: string | undefined;
};

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
   * @param named of a signed message: who can write to Redis cannot put other code there
   * @param fetch what has this hash, or is said to
   * @returns undefined where `fetch` has no such bundle
   */
  async file(
    named: Named,
    fetch: (hash: string) => Promise<string | null>,
  ): Promise<Found | undefined> {
    const { hash, name, files } = named;
    const folder = join(this.#folder, keyOf(named));
    const path = join(folder, `${name.replaceAll(/[^\w.-]/g, "_")}.js`);
    if (!existsSync(path)) {
      const code = await fetched(hash, fetch);
      const contents = files === undefined ? "{}" : await fetched(files, fetch);
      if (code === undefined || contents === undefined) return undefined;
      const written = JSON.parse(contents) as Record<string, string>;
      if (Object.hasOwn(written, basename(path))) throw new Error(sameName(basename(path)));
      // Another run of the same code may have done so meanwhile: its tasks read the files.
      if (!existsSync(path)) writeFiles(folder, written);
      mkdirSync(folder, { recursive: true });
      // Last: where it is, everything is.
      writeFileSync(path, code);
    }
    this.#uses.set(folder, (this.#uses.get(folder) ?? 0) + 1);
    return { path, folder: files === undefined ? undefined : folder };
  }

  release(named: Named): void {
    const folder = join(this.#folder, keyOf(named));
    const uses = (this.#uses.get(folder) ?? 0) - 1;
    if (uses > 0) this.#uses.set(folder, uses);
    else if (this.#uses.delete(folder)) rmSync(folder, { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const sameName = (name: string): string =>
  `the declared file "${name}" has the name that the code of the pipeline has on a worker; rename it`;

function keyOf({ hash, files }: Named): string {
  for (const text of files === undefined ? [hash] : [hash, files]) {
    if (!/^[0-9a-f]{64}$/.test(text)) throw new Error(`"${text}" is no hash of a bundle`);
  }
  return files === undefined ? hash : `${hash}-${files}`;
}

/** Undefined where it is not there, or is something else. */
async function fetched(
  hash: string,
  fetch: (hash: string) => Promise<string | null>,
): Promise<string | undefined> {
  const text = await fetch(hash);
  return text === null || sha256(text) !== hash ? undefined : text;
}

/** @param contents in base64, by path */
function writeFiles(folder: string, contents: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(contents)) {
    const path = join(folder, name);
    if (!path.startsWith(`${folder}${sep}`)) throw new Error(`"${name}" is outside of its folder`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, Buffer.from(content, "base64"));
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
