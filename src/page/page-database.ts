// The database that the page shows: one read-only connection, and what is kept between two questions.

import { realpathSync } from "node:fs";

import { isRunAlive, type RunProcess } from "../store/liveness.ts";
import { openReader, type Reader } from "../store/read/reader.ts";

type Options = {
  readonly path: string;
  /** Nothing is started or ended. */
  readonly isReadOnly: boolean;
};

export class PageDatabase implements Disposable {
  /** Absolute. */
  readonly path: string;
  readonly isReadOnly: boolean;
  readonly reader: Reader;

  /** @throws ReaderError if there is no readable database */
  constructor({ path, isReadOnly }: Options) {
    this.path = realpathSync(path);
    this.isReadOnly = isReadOnly;
    this.reader = openReader(this.path);
  }

  readonly isAlive = (run: RunProcess): boolean => isRunAlive(this.path, run);

  [Symbol.dispose](): void {
    this.reader.close();
  }
}
