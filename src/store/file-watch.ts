// Whether the files that SQLite has open are still those that stand under their names. One that was moved, deleted or
// replaced is written on without an error, and nobody will find there what was committed.

import { realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";

import { StoreError } from "./store-error.ts";

type Watched = { readonly path: string; readonly identity: string };

export class FileWatch {
  /** As the user wrote it. */
  readonly #name: string;
  readonly #files: readonly Watched[];
  readonly #wal: Watched | undefined;

  /**
   * @param db path of the database, which is open
   * @param wal it is in WAL mode, and has been written or read: the -wal and the -shm are there
   */
  constructor(db: string, wal: boolean) {
    this.#name = db;
    if (db === ":memory:") {
      this.#files = [];
      this.#wal = undefined;
      return;
    }
    // SQLite follows a link once, when it opens, and keeps its -wal beside the file itself.
    const real = realpathSync(db);
    // A link may come to lead elsewhere. The -shm holds the locks: processes with two of them would write at once.
    const paths = new Set([resolve(db), real, ...(wal ? [`${real}-wal`, `${real}-shm`] : [])]);
    this.#files = [...paths].map((path) => {
      const identity = identityOf(path);
      if (identity === undefined) throw gone(db, path);
      return { path, identity };
    });
    this.#wal = this.#files.find(({ path }) => path === `${real}-wal`);
  }

  /** Cheap: one stat a file, about 2 µs. @throws StoreError `file-gone` */
  check(): void {
    for (const { path, identity } of this.#files) {
      if (identityOf(path) !== identity) throw gone(this.#name, path);
    }
  }

  /** Another process has made a -wal of its own under the name: whoever closes this one would remove that. */
  get hasForeignWal(): boolean {
    if (this.#wal === undefined) return false;
    const identity = identityOf(this.#wal.path);
    return identity !== undefined && identity !== this.#wal.identity;
  }
}

function identityOf(path: string): string | undefined {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`;
  } catch {
    // Its folder is a file now, or may not be looked into: in any case it cannot be found there.
    return undefined;
  }
}

const gone = (name: string, path: string): StoreError =>
  new StoreError(
    "file-gone",
    `${path} was moved, deleted or replaced while the run wrote to ${path === resolve(name) ? "it" : name}, and nothing more could be stored; ` +
      "put the file back and run again: the run goes on where it stopped",
  );
