// Hears of changes in folders. It need not hear of all: the files are looked at every 30 s anyway.

import { type FSWatcher, watch } from "node:fs";

/** Systems limit how many a user may have. */
const maxFolders = 500;
const isDatabase = (name: string): boolean => /\.(?:db|sqlite3?)(?:-wal)?$/.test(name);
/** Logs and other data are written all the time. */
const isCode = (name: string): boolean =>
  /\.(?:[cm]?[jt]sx?|json|toml|ya?ml|sql|txt)$|^\.env|^[^.]*$/.test(name);

type Listeners = {
  code(): void;
  /** Runs write to it often. */
  database(): void;
};

export class FolderWatch implements Disposable {
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #on: Listeners;

  constructor(on: Listeners) {
    this.#on = on;
  }

  /** From now on, these folders and no others. */
  set(folders: readonly string[]): void {
    const wanted = new Set(folders.slice(0, maxFolders));
    for (const folder of this.#watchers.keys()) if (!wanted.has(folder)) this.#remove(folder);
    for (const folder of wanted) if (!this.#watchers.has(folder)) this.#add(folder);
  }

  #add(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        if (name === null || isCode(String(name))) this.#on.code();
        else if (isDatabase(String(name))) this.#on.database();
      });
      // The folder is gone: if it comes back, it is found by the look.
      watcher.on("error", () => this.#remove(folder));
      this.#watchers.set(folder, watcher);
    } catch {
      // It is gone, or there are too many watches.
    }
  }

  #remove(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  [Symbol.dispose](): void {
    this.set([]);
  }
}
