// Finds the data files of a folder. A file that looks like data and is skipped is reported.

import { type BigIntStats, existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";

import type { Note } from "../../formats/csv/inspect.ts";

type FoundFiles = { readonly files: readonly string[]; readonly notes: readonly Note[] };

const data = /\.(?:csv|tsv|txt)(?:\.gz)?$/i;
/** Files that a user may expect to be read. */
const looksLikeData = /\.(?:csv|tsv|txt)(?:[.~-].*)?$|\.(?:xlsx?|ods|parquet)$/i;
/** Documentation that people keep next to their data. */
const aboutTheData = /^(?:readme|license|licence|copying|notice|changelog|changes)\b/i;

/** The data files of a folder in order of name; links are followed. For a file: that file. */
export async function findCsvFiles(path: string): Promise<FoundFiles> {
  const found = await lookInto(path);
  if (found.files.length > 0) return found;
  const skipped = found.notes.map(({ text }) => `; ${text}`).join("");
  throw new Error(`${path}: no .csv, .tsv or .txt file in this folder${skipped}`);
}

/** Files that were added to the folder since it was listed; none if the folder no longer exists. */
export async function newFiles(path: string, known: readonly string[]): Promise<string[]> {
  if (!existsSync(path)) return [];
  const { files } = await lookInto(path);
  return files.filter((file) => !known.includes(file));
}

async function lookInto(path: string): Promise<FoundFiles> {
  const stats = await statOrNull(path);
  if (stats === null) throw new Error(`${path}: there is no such file or folder`);
  if (!stats.isDirectory()) return { files: [path], notes: [] };
  const found = new FolderFiles(path);
  for (const name of (await readdir(path)).toSorted()) await found.add(name);
  return found;
}

class FolderFiles {
  readonly files: string[] = [];
  readonly notes: Note[] = [];
  readonly #folder: string;
  /** Device and inode → file name: two names may be one file. */
  readonly #seen = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async add(name: string): Promise<void> {
    if (name.startsWith(".") || !looksLikeData.test(name)) return;
    const why = await this.#unfit(name);
    if (why === null) this.files.push(join(this.#folder, name));
    else this.notes.push({ level: "warn", text: `${name} is skipped: ${why}` });
  }

  async #unfit(name: string): Promise<string | null> {
    if (!data.test(name))
      return "its name does not end in .csv, .tsv, .txt, or one of these with .gz";
    if (aboutTheData.test(basename(name))) return "its name says that it is documentation";
    const stats = await statOrNull(join(this.#folder, name));
    if (stats === null) return "it is a link to a missing file";
    if (!stats.isFile()) return "it is not a file";
    const identity = `${stats.dev}:${stats.ino}`;
    const known = this.#seen.get(identity);
    if (known !== undefined) return `it is the same file as ${known}`;
    this.#seen.set(identity, name);
    return null;
  }
}

async function statOrNull(path: string): Promise<BigIntStats | null> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
