// What can be wrong with a database that a run writes to. Users cause these errors, so they are shown without a stack.

import { reasonOf } from "../base/system-error.ts";
import {
  explainFileError,
  type FileProblem,
  isConstraint,
  isFileFailure,
  isWaitable,
  sqliteCode,
} from "./sqlite-error.ts";

export type StoreErrorCode =
  | FileProblem
  | "given-up"
  | "hard-linked"
  | "is-folder"
  | "newer-version"
  | "no-folder"
  | "no-history"
  | "no-path"
  | "no-such-run"
  | "not-a-file"
  | "nothing-to-keep"
  | "nothing-to-rerun"
  | "other-params"
  | "overlaps"
  | "run-alive"
  | "slot-done"
  | "slot-taken"
  | "table-clash"
  | "would-repeat"
  | "wrong-pipeline";

/** The message names the problem, the place, and the next step. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** One of pipeloom's own rows has a value that pipeloom never writes: flipped bytes, or an edit by hand. */
export const damagedRow = (path: string, where: string): StoreError =>
  new StoreError(
    "corrupt",
    `${path} is damaged: ${where} cannot be read; restore a copy, or start a new run with --fresh`,
  );

/**
 * Converts an SQLite error to a StoreError that names the file. Returns anything else (a bug, a StoreError) unchanged.
 *
 * @param path the database as the user wrote it
 */
export function toStoreError(thrown: unknown, path: string): unknown {
  const known = explainFileError(thrown, path, "writing");
  if (known !== undefined) return new StoreError(known.problem, known.message, { cause: thrown });
  return isRefusal(thrown) ? refusedRow(thrown, path) : thrown;
}

/** SQLite names tables like this in the statements of a trigger only: they cannot be in another schema. */
const ofTrigger = /^no such table: main\./;

const isRefusal = (thrown: unknown): boolean =>
  isConstraint(thrown) || (thrown instanceof Error && ofTrigger.test(thrown.message));

/** Rows of user tables are refused where they are applied: see rows-error.ts. */
const refusedRow = (thrown: unknown, path: string): StoreError =>
  new StoreError(
    "table-clash",
    `${path}: a trigger or an index that was added to pipeloom's tables refuses a row: ${reasonOf(thrown)} ` +
      `(${sqliteCode(thrown) ?? "SQLITE_ERROR"}); drop it, or choose another file with --db`,
    { cause: thrown },
  );

/** `isWaitable` for the errors of opening a database. */
export const isLockedAtOpen = (thrown: unknown): boolean =>
  thrown instanceof StoreError
    ? thrown.code === "locked" && (thrown.cause === undefined || isWaitable(thrown.cause))
    : isWaitable(thrown);

/** The run cannot continue; see `isFileFailure`. */
export const isFatal = (thrown: unknown): boolean =>
  thrown instanceof StoreError || isFileFailure(thrown);
