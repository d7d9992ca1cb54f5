// The content of declared files, as hashes. A file whose size, inode and times are as an earlier run has stored them is not read.

import { type BigIntStats, statSync } from "node:fs";
import { join, resolve } from "node:path";

import { systemClock } from "../base/clock.ts";
import { crypto, JSON } from "../base/globals.ts";
import type { FilePart } from "../protocol/reuse.ts";

/** A file may be written twice within the resolution of its times. Two seconds: FAT. */
const settledMs = 2_000;

export class FileParts {
  readonly #folder: string;
  readonly #known = new Map<string, string>();
  readonly #read = new Map<string, Promise<FilePart>>();

  /**
   * @param folder that relative paths start from
   * @param known of earlier runs
   */
  constructor(folder: string, known: Iterable<FilePart>) {
    this.#folder = folder;
    for (const { path, hash, stat } of known) {
      if (hash !== null && stat !== undefined) this.#known.set(`${path}\0${stat}`, hash);
    }
  }

  /** Each path is read once. */
  of(path: string): Promise<FilePart> {
    const reading = this.#read.get(path) ?? this.#part(path);
    this.#read.set(path, reading);
    return reading;
  }

  /** Whether the files that were read are still the same. */
  async areAsRead(paths: readonly string[]): Promise<boolean> {
    for (const path of paths) {
      const before = await this.#read.get(path);
      if (before === undefined) continue;
      const now = await this.#part(path);
      if (now.hash !== before.hash) return false;
    }
    return true;
  }

  /** Of what cannot be read, no two runs know that it is the same. */
  async #part(path: string): Promise<FilePart> {
    try {
      return await this.#readPart(path);
    } catch {
      return { path, hash: `not readable ${crypto.randomUUID()}` };
    }
  }

  async #readPart(path: string): Promise<FilePart> {
    const whole = resolve(this.#folder, path);
    const found = statSync(whole, { bigint: true, throwIfNoEntry: false });
    if (found === undefined) return { path, hash: null };
    if (found.isDirectory()) return { path, hash: await folderHash(whole) };
    const stat = statText(found);
    const settled = Number(found.mtimeMs) < systemClock.wall() - settledMs;
    const known = settled ? this.#known.get(`${path}\0${stat}`) : undefined;
    const hash = known ?? (await contentHash(whole));
    if (!settled) return { path, hash };
    this.#known.set(`${path}\0${stat}`, hash);
    return { path, hash, stat };
  }
}

const statText = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  [dev, ino, size, mtimeNs, ctimeNs].join(" ");

async function contentHash(path: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(path).stream()) hash.update(chunk);
  return hash.digest("hex");
}

async function folderHash(folder: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  const names = await Array.fromAsync(new Bun.Glob("**/*").scan({ cwd: folder, dot: true }));
  for (const name of names.toSorted()) {
    hash.update(JSON.stringify([name, await contentHash(join(folder, name))]));
  }
  return hash.digest("hex");
}
