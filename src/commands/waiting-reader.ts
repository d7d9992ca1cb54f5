// How commands use a database: a lock of another program is waited for as long as it takes, and after 5 s that is said on
// stderr.

import { visibleText } from "../base/text.ts";
import { sayOnStderr } from "../cli/stderr.ts";
import { UserError } from "../cli/user-error.ts";
import type { LogLevel } from "../protocol/status.ts";
import { endlessBusyHandler, type BusyHandler } from "../store/busy-handler.ts";
import { openReader, type Reader } from "../store/read/reader.ts";
import { ReaderError } from "../store/read/reader-error.ts";

export const busyHandlerFor = (db: string): BusyHandler => endlessBusyHandler(db, sayWait);

/** @throws ReaderError if `db` has no readable database */
export const waitingReader = (db: string): Reader => openReader(db, busyHandlerFor(db));

/** A ReaderError as a UserError with its message; returns anything else unchanged. */
export const asUserError = (thrown: unknown): unknown =>
  thrown instanceof ReaderError ? new UserError(thrown.message) : thrown;

function sayWait(level: LogLevel, line: string): void {
  const label = level === "warn" ? "warning: " : "";
  sayOnStderr(`${label}${visibleText(line)}\n`);
}
