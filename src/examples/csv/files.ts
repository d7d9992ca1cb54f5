// Finds the CSV files that a person names: files, folders and patterns. A file that looks like data and is skipped is
// reported.

import { type BigIntStats, fstatSync, readdirSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { globOf, isFilePattern } from "../../base/file-pattern.ts";
import { didYouMean, nearest } from "../../base/suggest.ts";
import type { Note } from "../../formats/csv/inspect.ts";
import { descriptorOf } from "../../formats/csv/standard-input.ts";

type FoundFiles = { readonly files: readonly string[]; readonly notes: readonly Note[] };

const data = /\.(?:csv|tsv|txt)(?:\.gz)?$/i;
/** Files that a user may expect to be read. */
const looksLikeData = /\.(?:csv|tsv|txt)(?:[.~-].*)?$|\.(?:xlsx?|ods|parquet)$/i;
/** Documentation that people keep next to their data. */
const aboutTheData = /^(?:readme|license|licence|copying|notice|changelog|changes)\b/i;

/**
 * The files in the order of their sources, each once; those of a folder or a pattern in order of name. Links are followed.
 * @param sources paths of files and folders, and patterns such as `data/*.csv`
 * @throws Error for a source without a file
 */
export async function findCsvFiles(sources: readonly string[]): Promise<FoundFiles> {
  const found = new SourceFiles();
  for (const source of sources) await found.add(source);
  return found;
}

/** Files that were added to the sources since they were listed. A source that is gone, or empty now, has none. */
export async function newFiles(
  sources: readonly string[],
  known: readonly string[],
): Promise<string[]> {
  const found = new SourceFiles();
  for (const source of sources) await found.add(source).catch(() => undefined);
  return found.files.filter((file) => !known.includes(file));
}

class SourceFiles {
  readonly files: string[] = [];
  readonly notes: Note[] = [];
  /** Device and inode → path: two names may be one file. */
  readonly #seen = new Map<string, string>();

  /** @throws Error if it has no file */
  async add(source: string): Promise<void> {
    const stats = await statOrNull(source);
    if (stats !== null) {
      if (stats.isDirectory()) await this.#addFolder(source);
      else this.#addNamed(source, stats);
    } else if (isFilePattern(source)) await this.#addMatches(source);
    else throw new Error(missing(source));
  }

  async #addMatches(pattern: string): Promise<void> {
    const matches = await Array.fromAsync(globOf(pattern).scan({ onlyFiles: false }));
    let count = 0;
    for (const path of matches.toSorted()) {
      const stats = await statOrNull(path);
      if (stats?.isFile() !== true) continue;
      count++;
      this.#addNamed(path, stats);
    }
    if (count === 0) throw new Error(`${pattern}: no file matches this pattern`);
  }

  async #addFolder(folder: string): Promise<void> {
    const before = this.files.length;
    const skipped: string[] = [];
    for (const name of (await readdir(folder)).toSorted()) {
      if (name.startsWith(".") || !looksLikeData.test(name)) continue;
      const why = await this.#addFrom(folder, name);
      if (why !== null) skipped.push(`${name} is skipped: ${why}`);
    }
    if (this.files.length === before) {
      const also = skipped.map((text) => `; ${text}`).join("");
      throw new Error(`${folder}: no .csv, .tsv or .txt file in this folder${also}`);
    }
    for (const text of skipped) this.notes.push({ level: "warn", text: `${folder}: ${text}` });
  }

  /** @returns why the file is not taken, or null */
  async #addFrom(folder: string, name: string): Promise<string | null> {
    if (!data.test(name))
      return "its name does not end in .csv, .tsv, .txt, or one of these with .gz";
    if (aboutTheData.test(name)) return "its name says that it is documentation";
    const path = join(folder, name);
    const stats = await statOrNull(path);
    if (stats === null) return "it is a link to a missing file";
    if (!stats.isFile()) return "it is not a file";
    const same = this.#add(path, stats);
    return same === null ? null : `it is the same file as ${basename(same)}`;
  }

  /** The person has named it, so whatever is wrong with it is an error when it is read. */
  #addNamed(path: string, stats: BigIntStats): void {
    const same = this.#add(path, stats);
    if (same === null || same === path) return;
    this.notes.push({ level: "warn", text: `${path} is skipped: it is the same file as ${same}` });
  }

  /** @returns the path by which the file is known already, or null */
  #add(path: string, { dev, ino }: BigIntStats): string | null {
    const identity = `${dev}:${ino}`;
    const known = this.#seen.get(identity);
    if (known !== undefined) return known;
    this.#seen.set(identity, path);
    this.files.push(path);
    return null;
  }
}

/** Names the file that was probably meant. */
function missing(path: string): string {
  const folder = dirname(path);
  const near = didYouMean(nearPath(folder, basename(path)));
  return `${path}: there is no such file or folder${near === undefined ? "" : `; ${near}`}`;
}

function nearPath(folder: string, name: string): string | undefined {
  try {
    const near = nearest(name, readdirSync(folder));
    return near === undefined ? undefined : join(folder, near);
  } catch {
    return undefined;
  }
}

async function statOrNull(path: string): Promise<BigIntStats | null> {
  const descriptor = descriptorOf(path);
  if (descriptor !== undefined) return fstatSync(descriptor, { bigint: true });
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
