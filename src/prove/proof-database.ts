// The database that is proved on: a copy in a temporary folder, or the user's own file (`--in-place`), which is put back at
// the end.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, sep } from "node:path";

import { shellWord } from "../base/shell-words.ts";
import { reasonOf } from "../base/system-error.ts";
import { UserError } from "../cli/user-error.ts";
import type { RunId } from "../protocol/ids.ts";
import { isRunAlive } from "../store/liveness.ts";
import { isLockHeld, runsWithFiles } from "../store/lock.ts";
import { copyDatabase, mergeLog } from "../store/read/copy-database.ts";
import { runningRuns } from "../store/read/running-runs.ts";
import { type FileFacts, readFileFacts } from "../store/write/run-facts.ts";
import { asUserError, busyHandlerFor, waitingReader } from "../commands/waiting-reader.ts";
import type { Files } from "./power-cut.ts";

/** What survives a process, and a power cut. */
const lastingSuffixes = ["", "-wal", "-journal"];

/** Also those that die with the process. Another database may be called `etl.db-old`. */
const ownSuffix = /^(?:-wal|-journal|-shm|-run\d+\.(?:lock|control))?$/;

const backupSuffix = ".before-prove";

export class ProofDatabase implements Disposable {
  /** A temporary folder, for everything but the database. */
  readonly scratch: string;
  /** The database that runs write to. */
  readonly db: string;
  /** Copies of the file as it was, and of its -wal. */
  readonly #before: string;
  readonly #backup: string | undefined;
  readonly #original: string;
  /** What tells whether the original was written to. */
  readonly #stamp: string;

  /**
   * @param path of the database; it need not exist
   * @throws UserError if it cannot be copied
   */
  constructor(path: string, isInPlace: boolean) {
    const original = realFile(path);
    if (isInPlace) refuseLiveRuns(original);
    this.scratch = makeScratch();
    try {
      this.#before = this.#made("before");
      const folder = isInPlace ? dirname(original) : this.#made("folder-of-database");
      this.db = join(folder, basename(original));
      if (existsSync(original)) saveTo(this.#before, original);
      this.#backup = isInPlace && existsSync(original) ? this.#saveBeside() : undefined;
      this.#original = original;
      this.#stamp = stampOf(original);
    } catch (error) {
      rmSync(this.scratch, { recursive: true, force: true });
      throw error;
    }
  }

  #made(name: string): string {
    const folder = join(this.scratch, name);
    mkdirSync(folder);
    return folder;
  }

  /**
   * For the case that this process is killed: nobody looks for a backup in a temporary folder. It is one file, and has its
   * name only when it is whole.
   */
  #saveBeside(): string {
    const backup = this.db + backupSuffix;
    if (existsSync(backup)) throw backupExists(backup, this.db);
    const part = `${backup}.part`;
    try {
      for (const suffix of lastingSuffixes) {
        if (existsSync(this.#copyOf(suffix))) copyFileSync(this.#copyOf(suffix), part + suffix);
      }
      mergeLog(part);
      renameSync(part, backup);
    } finally {
      for (const suffix of [...lastingSuffixes, "-shm"]) rmSync(part + suffix, { force: true });
    }
    return backup;
  }

  /** The database as it was. */
  reset(): void {
    this.#clear();
    for (const suffix of lastingSuffixes) {
      if (existsSync(this.#copyOf(suffix))) copyFileSync(this.#copyOf(suffix), this.db + suffix);
    }
  }

  #copyOf(suffix: string): string {
    return join(this.#before, basename(this.db) + suffix);
  }

  /** Removes the file and all that belongs to it. */
  #clear(): void {
    for (const name of readdirSync(dirname(this.db))) {
      if (this.isOurs(join(dirname(this.db), name))) rmSync(join(dirname(this.db), name));
    }
  }

  /** The file, its journals, its locks; and what is in the temporary folder. */
  isOurs(path: string): boolean {
    return belongsTo(this.db, path) || path.startsWith(join(this.scratch, sep));
  }

  /** The user's own files: the database that was copied, and what belongs to it. */
  isOriginal(path: string): boolean {
    return belongsTo(this.#original, path);
  }

  /** Whether something has written to the database that this is a copy of. */
  get isBypassed(): boolean {
    return this.db !== this.#original && stampOf(this.#original) !== this.#stamp;
  }

  get bytes(): number {
    return statSync(this.db, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** What is on the disk, by name. */
  files(): Files {
    const present = lastingSuffixes.map((suffix) => this.db + suffix).filter(existsSync);
    return new Map(present.map((path) => [basename(path), readFileSync(path)]));
  }

  /** Replaces the files. Locks stay: a run that finds one decides by itself whether it is held. */
  place(files: Files): void {
    for (const suffix of [...lastingSuffixes, "-shm"]) rmSync(this.db + suffix, { force: true });
    for (const [name, bytes] of files) writeFileSync(join(dirname(this.db), name), bytes);
  }

  /** A copy of the database for reading: a look at the file itself would finish what a killed run has begun. */
  copy(name: string): string {
    const folder = join(this.scratch, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    for (const suffix of lastingSuffixes) {
      if (existsSync(this.db + suffix)) {
        copyFileSync(this.db + suffix, join(folder, `copy.db${suffix}`));
      }
    }
    return join(folder, "copy.db");
  }

  /** @param after see `readFileFacts` */
  facts(after: number): FileFacts {
    return readFileFacts(this.copy("look"), after);
  }

  [Symbol.dispose](): void {
    if (dirname(dirname(this.db)) !== this.scratch) this.reset();
    if (this.#backup !== undefined) rmSync(this.#backup, { force: true });
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

/** The journals of the proof would be read as those of the file that is put back. */
function backupExists(backup: string, db: string): UserError {
  const journals = ["-wal", "-shm", "-journal"].map((suffix) => shellWord(db + suffix)).join(" ");
  return new UserError(
    `${backup} exists: it is the database as it was before a proof that was killed`,
    `to put it back: rm -f ${journals}; mv ${shellWord(backup)} ${shellWord(db)}; to go on without it, delete it`,
  );
}

/** SQLite puts the journals beside the file that a symbolic link leads to. */
function realFile(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const folder = dirname(path);
  return existsSync(folder) ? join(realpathSync(folder), basename(path)) : path;
}

function makeScratch(): string {
  try {
    return realpathSync(mkdtempSync(join(tmpdir(), "pipeloom-prove-")));
  } catch (error) {
    throw new UserError(
      `cannot create a folder in ${tmpdir()}: ${reasonOf(error)}`,
      "TMPDIR names another folder for temporary files",
    );
  }
}

const belongsTo = (db: string, path: string): boolean =>
  path.startsWith(db) && ownSuffix.test(path.slice(db.length));

/** Size and time of the file and of its -wal. */
const stampOf = (db: string): string =>
  [db, `${db}-wal`]
    .map((path) => statSync(path, { throwIfNoEntry: false }))
    .map((stat) => (stat === undefined ? "none" : `${stat.size} ${stat.mtimeMs}`))
    .join();

/** The file is replaced again and again: a run that goes on in it would lose what it writes. */
function refuseLiveRuns(db: string): void {
  const run = Array.from(runsWithFiles(db)).find((each) => isLockHeld(db, each)) ?? liveRunIn(db);
  if (run === undefined) return;
  throw new UserError(
    `run ${run} is going on in ${db}, and --in-place replaces the file`,
    `wait for its end, or prove on a copy: leave out --in-place`,
  );
}

/** A run whose lock was lost is known by its row and its process. */
function liveRunIn(db: string): RunId | undefined {
  if (!existsSync(db)) return undefined;
  try {
    using reader = waitingReader(db);
    const runs = reader.query("SELECT 1 FROM sqlite_schema WHERE name = 'pipeline_runs'");
    if (runs.length === 0) return undefined;
    return runningRuns(reader, (run) => isRunAlive(db, run)).live[0];
  } catch (error) {
    throw asUserError(error);
  }
}

function saveTo(folder: string, original: string): void {
  try {
    copyDatabase(original, folder, busyHandlerFor(original));
  } catch (error) {
    throw asUserError(error);
  }
}
