// What can be wrong with a database that is only read, or with the query.

import { explainFileError, type FileProblem } from "../sqlite-error.ts";

export type ReaderErrorCode =
  | FileProblem
  | "in-memory"
  | "is-folder"
  | "missing"
  | "newer-version"
  | "no-reasons"
  | "no-such-pipeline"
  | "no-such-run"
  | "no-such-task"
  | "no-tables"
  /** The query itself. */
  | "bad-sql"
  | "not-read-only";

/** The message names the problem, the place, and the next step. */
export class ReaderError extends Error {
  override readonly name = "ReaderError";
  readonly code: ReaderErrorCode;
  constructor(code: ReaderErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Converts an SQLite error about the file to a ReaderError that names the file; returns anything else unchanged. */
export function toReaderError(thrown: unknown, path: string): unknown {
  const known = explainFileError(thrown, path, "reading");
  if (known === undefined) return thrown;
  return new ReaderError(known.problem, known.message, { cause: thrown });
}
