// The content of declared files, as hashes. A file whose size, inode and times are as an earlier run has stored them is not read.

import { type BigIntStats, existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

import { systemClock } from "../base/clock.ts";
import { globOf, isFilePattern } from "../base/file-pattern.ts";
import { crypto, JSON } from "../base/globals.ts";
import type { FilePart } from "../protocol/reuse.ts";

/** A file may be written twice within the resolution of its times. Two seconds: FAT. */
const settledMs = 2_000;

export class FileParts {
  readonly #folder: string;
  readonly #known = new Map<string, string>();
  readonly #read = new Map<string, Promise<FilePart>>();
  /** By pattern: the files that it matched when they were read. */
  readonly #matched = new Map<string, Promise<readonly string[]>>();

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

  /**
   * The files of paths and patterns, each once. A pattern that matches no file has a part of its own, without a hash: the first
   * file that it matches is a change.
   */
  async all(patterns: readonly string[]): Promise<FilePart[]> {
    const paths = new Set<string>();
    for (const pattern of patterns) for (const path of await this.#first(pattern)) paths.add(path);
    return Array.fromAsync(paths, (path) => this.#of(path));
  }

  #first(pattern: string): Promise<readonly string[]> {
    const matching = this.#matched.get(pattern) ?? this.#matching(pattern);
    this.#matched.set(pattern, matching);
    return matching;
  }

  /** Sorted: the order in a folder differs from disk to disk. */
  async #matching(pattern: string): Promise<readonly string[]> {
    if (!isFilePattern(pattern) || existsSync(resolve(this.#folder, pattern))) return [pattern];
    const found = globOf(pattern).scan({ cwd: this.#folder, followSymlinks: true });
    const paths = (await Array.fromAsync(found)).toSorted();
    return paths.length === 0 ? [pattern] : paths;
  }

  /** Each path is read once. */
  #of(path: string): Promise<FilePart> {
    const reading = this.#read.get(path) ?? this.#part(path);
    this.#read.set(path, reading);
    return reading;
  }

  /** Whether the files that were read are still the same, and patterns match no others. */
  async areAsRead(patterns: readonly string[]): Promise<boolean> {
    for (const pattern of patterns) {
      const [before, now] = [await this.#first(pattern), await this.#matching(pattern)];
      if (!Bun.deepEquals(before, now) || !(await this.#haveSameContent(now))) return false;
    }
    return true;
  }

  async #haveSameContent(paths: readonly string[]): Promise<boolean> {
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
