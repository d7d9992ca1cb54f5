// The file that a program's standard output goes to. The program writes to a file beside it, which gets the name when the program
// has succeeded. So the name never has half of the output, whatever is killed.

import {
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import type { TaskContext } from "../../api/context.ts";
import { Buffer } from "../../base/globals.ts";
import { codeOf, reasonOf } from "../../base/system-error.ts";

/** Of the 255 bytes that a name may have. */
const maxNameBytes = 200;

export class OutputFile {
  /** For the program. */
  readonly descriptor: number;
  readonly #shown: string;
  readonly #path: string;
  readonly #part: string;
  #isOpen = true;

  /** @throws Error for a path that is no file's, and for a folder that cannot be written to */
  constructor(shown: string, { run }: Pick<TaskContext, "run">) {
    this.#shown = shown;
    try {
      this.#path = targetOf(resolve(shown));
      this.#part = partOf(this.#path, run.id);
      mkdirSync(dirname(this.#path), { recursive: true });
      // Removed first: a program of a killed attempt may still hold it open, and must not write into this one's.
      rmSync(this.#part, { force: true });
      this.descriptor = openSync(this.#part, "wx");
    } catch (thrown) {
      throw this.#failure(thrown);
    }
  }

  /** Gives the file its name. The program has ended. */
  keep(): void {
    try {
      keepMode(this.descriptor, this.#path);
      fsyncSync(this.descriptor);
      if (!this.#isOurs()) {
        throw new Error("another task or run writes the same file; give each a file of its own");
      }
      this.#close();
      renameSync(this.#part, this.#path);
    } catch (thrown) {
      throw this.#failure(thrown);
    }
  }

  /** Another task that writes the same file may have removed it, and have begun one of its own. */
  #isOurs(): boolean {
    try {
      return lstatSync(this.#part).ino === fstatSync(this.descriptor).ino;
    } catch {
      return false;
    }
  }

  /** The program has failed. */
  drop(): void {
    if (!this.#isOpen) return;
    const isOurs = this.#isOurs();
    this.#close();
    if (isOurs) rmSync(this.#part, { force: true });
  }

  #close(): void {
    if (this.#isOpen) closeSync(this.descriptor);
    this.#isOpen = false;
  }

  #failure(thrown: unknown): Error {
    return new Error(`stdout: ${this.#shown}: ${reasonOf(thrown)}`, { cause: thrown });
  }
}

/** A link is followed, as in a shell. @throws Error for a folder, a device, a pipe */
function targetOf(path: string): string {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined) return path;
  if (there.isFile()) return realpathSync(path);
  const what = there.isDirectory() ? "it is a folder" : "it is a device or a pipe";
  throw new Error(`${what}, and the output needs a file of its own; choose another path`);
}

/** The task's number is not in it: it may be another one when the run goes on, and half a file of a killed session would stay. */
function partOf(path: string, run: number): string {
  const name = basename(path);
  const short = Buffer.byteLength(name) <= maxNameBytes ? name : Bun.hash(name).toString(36);
  return join(dirname(path), `${short}.${run}.part`);
}

/** A file that is replaced keeps its permissions. */
function keepMode(descriptor: number, path: string): void {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  try {
    fchmodSync(descriptor, there.mode);
  } catch (thrown) {
    // Some file systems have no permissions.
    if (codeOf(thrown) !== "EPERM") throw thrown;
  }
}
