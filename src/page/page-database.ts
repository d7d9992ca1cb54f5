// The database that the page shows: one read-only connection, and what is kept between two questions.

import { realpathSync } from "node:fs";

import { ownCommand } from "../base/own-command.ts";
import type { BusyHandler } from "../store/busy-handler.ts";
import { isRunAlive, type RunProcess } from "../store/liveness.ts";
import { openReader, type Reader } from "../store/read/reader.ts";
import { Forms } from "./actions/forms.ts";
import { Jobs } from "./actions/jobs.ts";
import { SqlProcesses } from "./data/sql-processes.ts";
import { RunIndexes } from "./index/run-indexes.ts";

type Options = {
  readonly path: string;
  /** Nothing is started or ended. */
  readonly isReadOnly: boolean;
  /** The words that start pipeloom. Default: those that started this process. */
  readonly own?: readonly string[];
  /** Waits for locks. Default: a lock of more than 250 ms is an error, so that a question does not hold up the others. */
  readonly busyHandler?: BusyHandler;
};

export class PageDatabase implements Disposable {
  /** Absolute. */
  readonly path: string;
  readonly isReadOnly: boolean;
  readonly reader: Reader;
  /** The words that start pipeloom. */
  readonly own: readonly string[];
  readonly jobs: Jobs;
  readonly forms: Forms;
  readonly indexes: RunIndexes;
  readonly queries: SqlProcesses;
  /** Of the page itself: they do not wait for those that a person types. */
  readonly counts: SqlProcesses;

  /** @throws ReaderError if there is no readable database */
  constructor({ path, isReadOnly, own = ownCommand(), busyHandler }: Options) {
    // First: it says what is wrong with a path.
    this.reader = openReader(path, busyHandler);
    this.path = realpathSync(path);
    this.isReadOnly = isReadOnly;
    this.own = own;
    this.jobs = new Jobs(own);
    this.forms = new Forms(own);
    this.indexes = new RunIndexes(this.reader);
    this.queries = new SqlProcesses(own, this.path);
    this.counts = new SqlProcesses(own, this.path);
  }

  readonly isAlive = (run: RunProcess): boolean => isRunAlive(this.path, run);

  [Symbol.dispose](): void {
    this.indexes[Symbol.dispose]();
    this.queries[Symbol.dispose]();
    this.counts[Symbol.dispose]();
    this.reader.close();
  }
}
