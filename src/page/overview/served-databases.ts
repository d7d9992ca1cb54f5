// The databases of the pipelines that `serve` serves. Each is opened when somebody asks for it, and closed when nobody has for a while:
// there may be hundreds, and serve runs for months.

import { existsSync } from "node:fs";

import { systemClock, type Timer } from "../../base/clock.ts";
import { ownCommand } from "../../base/own-command.ts";
import type { ServedSource } from "../../serve/served.ts";
import { Jobs } from "../actions/jobs.ts";
import { NotFound } from "../asked.ts";
import { PageDatabase } from "../page-database.ts";
import { addressId } from "./address-id.ts";
import type { Place, Shown } from "./shown.ts";

/** No answer takes as long. */
const keptOpenMs = 60_000;

type Options = {
  readonly served: ServedSource;
  readonly isReadOnly: boolean;
  /** The words that start pipeloom. Default: those that started this process. */
  readonly own?: readonly string[];
};

export class ServedDatabases implements Shown, Disposable {
  readonly isReadOnly: boolean;
  readonly jobs: Jobs;
  readonly served: ServedSource;
  readonly #own: readonly string[];
  /** By path: those that were asked for, open or not. */
  readonly #databases = new Map<string, PageDatabase>();
  #timer: Timer | undefined;
  /** Until serve says that something has changed: its state has the next times of a thousand schedules. */
  #places: readonly Place[] | undefined;
  readonly #endOfChanges: () => void;

  constructor({ served, isReadOnly, own = ownCommand() }: Options) {
    this.served = served;
    this.isReadOnly = isReadOnly;
    this.jobs = new Jobs(own);
    this.#own = own;
    this.#endOfChanges = served.onChange(() => (this.#places = undefined));
  }

  get places(): readonly Place[] {
    return (this.#places ??= this.#placesNow());
  }

  #placesNow(): readonly Place[] {
    const paths = this.served.served().pipelines.flatMap(({ db }) => db ?? []);
    return [...new Set(paths)].toSorted().map((path) => ({ id: addressId(path), path }));
  }

  of(id: number | null): PageDatabase {
    const place = this.places.find((each) => each.id === id);
    if (place === undefined) {
      throw new NotFound(
        id === null
          ? "which database? this page shows several: /db/<number>/…"
          : "no pipeline that is served has this database any more",
      );
    }
    const database = this.#databaseAt(place);
    this.#timer ??= systemClock.after(keptOpenMs, () => this.#closeUnused());
    return database;
  }

  look<Result>(place: Place, read: (database: PageDatabase) => Result): Result {
    const wasOpen = this.#databases.get(place.path)?.isOpen === true;
    const database = this.#databaseAt(place);
    try {
      return read(database);
    } finally {
      if (!wasOpen) database.rest();
    }
  }

  [Symbol.dispose](): void {
    systemClock.cancel(this.#timer);
    this.#endOfChanges();
    for (const database of this.#databases.values()) database[Symbol.dispose]();
  }

  #databaseAt({ id, path }: Place): PageDatabase {
    const known = this.#databases.get(path);
    if (known !== undefined) return known;
    const { isReadOnly, jobs } = this;
    const database = new PageDatabase({ id, path, isReadOnly, jobs, own: this.#own });
    this.#databases.set(path, database);
    return database;
  }

  #closeUnused(): void {
    const until = systemClock.now() - keptOpenMs;
    const open = [...this.#databases.values()].filter(({ isOpen }) => isOpen);
    for (const database of open) if (database.usedAt <= until) database.rest();
    const isAnyOpen = open.some(({ isOpen }) => isOpen);
    this.#timer = isAnyOpen ? systemClock.after(keptOpenMs, () => this.#closeUnused()) : undefined;
  }
}

/** A pipeline that has never run has no file yet. */
export const isThere = ({ path }: Place): boolean => existsSync(path);
