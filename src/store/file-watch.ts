// Checks whether the files that SQLite has open are still at their paths. SQLite goes on writing to a file that was moved,
// deleted or replaced, without an error, and what it commits is lost.

import { realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";

import { StoreError } from "./store-error.ts";

/** Numbers, except where a number cannot hold them. Nothing else has the number of a safe integer. */
type Identity = { readonly dev: number | bigint; readonly ino: number | bigint };
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
    const real = realPathOf(db);
    // The link too: its target may change. The -shm too: it holds the locks, so with a second -shm two processes write at once.
    const paths = new Set([resolve(db), real, ...(wal ? [`${real}-wal`, `${real}-shm`] : [])]);
    this.#files = [...paths].map((path) => {
      const identity = identityOf(path);
      if (identity === undefined) throw gone(db, path);
      return { path, identity };
    });
    this.#wal = this.#files.find(({ path }) => path === `${real}-wal`);
  }

  /**
   * Cheap: one stat a file, about 1 µs.
   * @returns the size of the -wal in bytes; 0 if there is none
   * @throws StoreError `file-gone`
   */
  check(): number {
    let walBytes = 0;
    for (const file of this.#files) {
      const found = statOf(file.path, file.identity);
      if (!isSame(found, file.identity)) throw gone(this.#name, file.path);
      if (file === this.#wal) walBytes = Number(found?.size);
    }
    return walBytes;
  }

  /** Another process has created a new -wal at the path. Closing this connection would remove that file. */
  get hasForeignWal(): boolean {
    if (this.#wal === undefined) return false;
    const identity = identityOf(this.#wal.path);
    return identity !== undefined && !isSame(identity, this.#wal.identity);
  }
}

/** @throws StoreError `file-gone` */
function realPathOf(db: string): string {
  try {
    return realpathSync(db);
  } catch {
    throw gone(db, resolve(db));
  }
}

const isSame = (found: Identity | undefined, { dev, ino }: Identity): boolean =>
  found?.ino === ino && found.dev === dev;

type Stat = Identity & { readonly size: number | bigint };

/** In the kind of number that `identity` has. */
function statOf(path: string, { ino }: Pick<Identity, "ino">): Stat | undefined {
  try {
    return typeof ino === "number"
      ? statSync(path, { throwIfNoEntry: false })
      : statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    // The folder was replaced or is not readable: nobody can find the file there.
    return undefined;
  }
}

function identityOf(path: string): Identity | undefined {
  const exact = statOf(path, { ino: 0n });
  const isSafe = [exact?.dev, exact?.ino].every((id) => Number.isSafeInteger(Number(id)));
  return isSafe ? statOf(path, { ino: 0 }) : exact;
}

const gone = (name: string, path: string): StoreError =>
  new StoreError(
    "file-gone",
    `${path} was moved, deleted or replaced while the run wrote to ${path === resolve(name) ? "it" : name}, and nothing more could be stored; ` +
      "put the file back and run again: the run goes on where it stopped",
  );
