// The working directory of a worker, which all of its threads share. A run whose tasks declare `files` needs the folder where these
// are: such a run waits until no other one works here, and the others wait until it is over.

import { Promise } from "../../../base/globals.ts";

type Waiting = { readonly folder: string; readonly enter: () => void };

export class WorkingFolder {
  readonly #chdir: (folder: string) => void;
  readonly #own: string;
  #folder: string;
  #users = 0;
  #waiting: Waiting[] = [];

  /** @param own where the worker was started */
  constructor(own: string, chdir: (folder: string) => void) {
    this.#own = own;
    this.#folder = own;
    this.#chdir = chdir;
  }

  /** Whether `enter` would wait. */
  isTaken(folder: string | undefined): boolean {
    return this.#waiting.length > 0 || (this.#users > 0 && this.#folder !== (folder ?? this.#own));
  }

  /**
   * Resolves when the working directory is this one, and stays so until `leave`.
   * @param folder undefined: where the worker was started
   */
  async enter(folder: string | undefined): Promise<void> {
    const entered = Promise.withResolvers<void>();
    this.#waiting.push({ folder: folder ?? this.#own, enter: entered.resolve });
    this.#admit();
    await entered.promise;
  }

  leave(): void {
    this.#users--;
    // The folder may be removed now.
    if (this.#users === 0) this.#go(this.#own);
    this.#admit();
  }

  #admit(): void {
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      if (this.#users > 0 && this.#folder !== next.folder) return;
      this.#go(next.folder);
      this.#users++;
      this.#waiting.shift();
      next.enter();
    }
  }

  #go(folder: string): void {
    if (this.#folder === folder) return;
    this.#chdir(folder);
    this.#folder = folder;
  }
}
