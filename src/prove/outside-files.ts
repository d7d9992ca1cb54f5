// Files beside the database that a pipeline writes. A kill does not undo what was written to them, so they are compared too:
// a file that each run leaves the same, and a file that each run appends the same lines to.

import { type Dirent, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";

/** With more files, none is watched. */
const maxFiles = 20_000;
/** `bun-cc-0`: the runtime's own, in the folder for temporary files. */
const skipped = /^(?:node_modules|\.git|bun-cc-.*)$/;
/** Larger files are not compared. */
const maxBytes = 4 * 1024 * 1024;

/** Size and time by path: differs if the file was written. */
type Looked = ReadonlyMap<string, string>;

export class OutsideFiles {
  readonly #folders: readonly string[];
  readonly #isOurs: (path: string) => boolean;
  #isWatched = true;

  /** @param isOurs for real paths of files that are not the pipeline's: the database, and what belongs to it */
  constructor(folders: readonly string[], isOurs: (path: string) => boolean) {
    this.#folders = [...new Set(folders.map((folder) => realpathSync(folder)))].filter(
      (folder, _, all) => !all.some((other) => folder.startsWith(`${other}/`)),
    );
    this.#isOurs = isOurs;
  }

  /** False when there are too many. */
  get isWatched(): boolean {
    return this.#isWatched;
  }

  look(): Looked {
    const found = new Map<string, string>();
    for (const folder of this.#folders) if (this.#isWatched) this.#collect(folder, found);
    this.#isWatched &&= found.size <= maxFiles;
    return this.#isWatched ? found : new Map<string, string>();
  }

  #collect(folder: string, found: Map<string, string>): void {
    for (const entry of entriesOf(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !skipped.test(entry.name)) this.#collect(path, found);
      if (found.size > maxFiles) return;
      if (!entry.isFile() || this.#isOurs(path)) continue;
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat !== undefined) found.set(path, `${stat.size} ${stat.mtimeMs}`);
    }
  }
}

/** None if the folder cannot be listed. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Paths that were written between two looks. */
export const writtenBetween = (before: Looked, after: Looked): string[] =>
  [...after].filter(([path, look]) => before.get(path) !== look).map(([path]) => path);

/** Undefined for a file that is gone, or too large to be compared. */
export function contentOf(path: string): string | undefined {
  try {
    return statSync(path).size > maxBytes ? undefined : readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}

/** What an undisturbed run does to a file. */
export type FileEffect =
  | { readonly type: "same"; readonly content: string }
  | { readonly type: "appends"; readonly lines: readonly string[] }
  | { readonly type: "unknown" };

/** @param contents of the file after one undisturbed run, and after a second one */
export function effectOf([first, second]: readonly (string | undefined)[]): FileEffect {
  if (first === undefined || second === undefined) return { type: "unknown" };
  if (first === second) return { type: "same", content: first };
  if (!second.startsWith(first)) return { type: "unknown" };
  return { type: "appends", lines: linesOf(second.slice(first.length)) };
}

export type FileDifference = {
  readonly path: string;
  /** `60 lines appended`, `1,204 bytes`. */
  readonly undisturbed: string;
  readonly found: string;
};

/** @param before content before the run that was killed, @param after content after it */
export function fileDifference(
  path: string,
  effect: FileEffect,
  before: string,
  after: string | undefined,
): FileDifference | undefined {
  switch (effect.type) {
    case "unknown":
      return undefined;
    case "same": {
      if (after === effect.content) return undefined;
      const found = after === undefined ? "no such file" : `${after.length} bytes, or others`;
      return { path, undisturbed: `${effect.content.length} bytes`, found };
    }
    case "appends": {
      const lines = after?.startsWith(before) === true ? linesOf(after.slice(before.length)) : [];
      if (lines.length === effect.lines.length) return undefined;
      const undisturbed = `${effect.lines.length} lines appended`;
      return { path, undisturbed, found: `${lines.length} lines appended` };
    }
  }
}

const linesOf = (text: string): string[] => text.split("\n").filter((line) => line !== "");
