// What a page shows: one database (`ui`), or those of all pipelines that `serve` serves.

import type { ServedSource } from "../../serve/served.ts";
import { NotFound } from "../asked.ts";
import type { Jobs } from "../actions/jobs.ts";
import type { PageDatabase } from "../page-database.ts";

/** A database, as addresses name it. */
export type Place = {
  /** Null: the only one. */
  readonly id: number | null;
  readonly path: string;
};

export type Shown = {
  /** Nothing is started or ended. */
  readonly isReadOnly: boolean;
  readonly jobs: Jobs;
  /** Undefined: no `serve` is behind the page. */
  readonly served: ServedSource | undefined;
  /** Those that may be asked for; a file need not be there yet. */
  readonly places: readonly Place[];
  /**
   * @param id null: the address names none
   * @throws NotFound, ReaderError
   */
  of(id: number | null): PageDatabase;
  /** For a short look: afterwards it may be closed again. @throws like `of` */
  look<Result>(place: Place, read: (database: PageDatabase) => Result): Result;
};

export class OneDatabase implements Shown {
  readonly isReadOnly: boolean;
  readonly jobs: Jobs;
  readonly served = undefined;
  readonly places: readonly Place[];
  readonly #database: PageDatabase;

  constructor(database: PageDatabase) {
    this.#database = database;
    this.isReadOnly = database.isReadOnly;
    this.jobs = database.jobs;
    this.places = [{ id: null, path: database.path }];
  }

  of(id: number | null): PageDatabase {
    if (id !== null) throw new NotFound("this page shows one database");
    return this.#database;
  }

  look<Result>(_: Place, read: (database: PageDatabase) => Result): Result {
    return read(this.#database);
  }
}
