// The files of a folder that may define a pipeline: code that imports pipeloom and calls `pipeline`. Others are not loaded: what is in a
// folder need not be meant to run.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { fileStamp, type StampOf } from "../base/file-stamp.ts";

const code = /\.[cm]?[jt]sx?$/;
const noPipeline = /\.d\.[cm]?ts$|\.(?:test|spec)\.[cm]?[jt]sx?$/;
/** Hidden ones are left out too. */
const leftOut = new Set(["node_modules"]);
const maxBytes = 2_000_000;

type Folder = {
  readonly stamp: string;
  readonly files: readonly string[];
  readonly folders: readonly string[];
};
type KnownFile = { readonly stamp: string; readonly isPipeline: boolean };

export class PipelineFolder {
  readonly path: string;
  /** Read again when they change. */
  #folders = new Map<string, Folder>();
  #files = new Map<string, KnownFile>();

  constructor(path: string) {
    this.path = path;
  }

  /** Those that were found at the last look. */
  get folders(): readonly string[] {
    return [...this.#folders.keys()];
  }

  /** Sorted. */
  look(stampOf: StampOf = fileStamp): string[] {
    const [folders, files] = [this.#folders, this.#files];
    this.#folders = new Map();
    this.#files = new Map();
    const found: string[] = [];
    const open = [this.path];
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      const folder = folderAt(path, folders.get(path), stampOf);
      if (folder === undefined) continue;
      this.#folders.set(path, folder);
      open.push(...folder.folders);
      found.push(
        ...folder.files.filter((file) => this.#isPipeline(file, files.get(file), stampOf)),
      );
    }
    return found.toSorted();
  }

  #isPipeline(file: string, known: KnownFile | undefined, stampOf: StampOf): boolean {
    const stamp = stampOf(file);
    if (stamp === null) return false;
    const isPipeline = known?.stamp === stamp ? known.isPipeline : mayBePipeline(file);
    this.#files.set(file, { stamp, isPipeline });
    return isPipeline;
  }
}

/** Undefined: it is gone, or cannot be read. */
function folderAt(path: string, known: Folder | undefined, stampOf: StampOf): Folder | undefined {
  const stamp = stampOf(path);
  if (stamp === null) return undefined;
  if (known?.stamp === stamp) return known;
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    const shown = entries.filter(({ name }) => !name.startsWith(".") && !leftOut.has(name));
    return {
      stamp,
      // Links to folders are not followed: they may lead in a circle.
      folders: shown.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name)),
      files: shown
        .filter((entry) => !entry.isDirectory())
        .map(({ name }) => name)
        .filter((name) => code.test(name) && !noPipeline.test(name))
        .map((name) => join(path, name)),
    };
  } catch {
    return undefined;
  }
}

function mayBePipeline(file: string): boolean {
  try {
    const found = statSync(file);
    if (!found.isFile() || found.size > maxBytes) return false;
    const text = readFileSync(file, "utf8");
    return /["']pipeloom["']/.test(text) && /\bpipeline\s*\(/.test(text);
  } catch {
    return false;
  }
}
