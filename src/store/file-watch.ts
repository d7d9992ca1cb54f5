// Checks whether the files that SQLite has open are still at their paths. SQLite goes on writing to a file that was moved,
// deleted or replaced, without an error, and what it commits is lost.

import { realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";

import { StoreError } from "./store-error.ts";

type Identity = { readonly dev: bigint; readonly ino: bigint };
type Watched = { readonly path: string; readonly identity: Identity };

export class FileWatch {
  /** As the user wrote it. */
  readonly #name: string;
  readonly #files: readonly Watched[];
  readonly #wal: Watched | undefined;

  /**
   * @param db path of the database, which is open
   * @param wal the database is in WAL mode and has been read or written, so the -wal and the -shm exist
   */
  constructor(db: string, wal: boolean) {
    this.#name = db;
    if (db === ":memory:") {
      this.#files = [];
      this.#wal = undefined;
      return;
    }
    // SQLite follows a link only when it opens the file, and creates the -wal beside the link's target.
    const real = realpathSync(db);
    // The link too: its target may change. The -shm too: it holds the locks, so with a second -shm two processes write at once.
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
      if (!isSame(identityOf(path), identity)) throw gone(this.#name, path);
    }
  }

  /** Another process has created a new -wal at the path. Closing this connection would remove that file. */
  get hasForeignWal(): boolean {
    if (this.#wal === undefined) return false;
    const identity = identityOf(this.#wal.path);
    return identity !== undefined && !isSame(identity, this.#wal.identity);
  }
}

const isSame = (found: Identity | undefined, { dev, ino }: Identity): boolean =>
  found?.ino === ino && found.dev === dev;

function identityOf(path: string): Identity | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    // The folder was replaced or is not readable: nobody can find the file there.
    return undefined;
  }
}

const gone = (name: string, path: string): StoreError =>
  new StoreError(
    "file-gone",
    `${path} was moved, deleted or replaced while the run wrote to ${path === resolve(name) ? "it" : name}, and nothing more could be stored; ` +
      "put the file back and run again: the run goes on where it stopped",
  );
