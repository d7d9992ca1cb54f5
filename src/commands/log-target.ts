// `--log-file` appends. Appended to the pipeline's file or to the database, the log would destroy it.

import { existsSync, realpathSync } from "node:fs";

import { pathOf, shownPath } from "../base/path.ts";
import { UsageError } from "../cli/usage-error.ts";
import type { ModuleRef } from "../protocol/messages.ts";

/**
 * @param folder the folder that relative paths start from
 * @throws UsageError if the log file is the pipeline's file, the database, or a file that SQLite keeps beside it
 */
export function checkLogTarget(
  logFile: string | undefined,
  module: ModuleRef,
  db: string,
  folder: string,
): void {
  if (logFile === undefined) return;
  const log = realPath(logFile, folder);
  if (module.kind === "file" && log === realPath(module.path, folder)) {
    throw refused(log, "the pipeline's file");
  }
  const database = realPath(db, folder);
  if (["", "-wal", "-shm", "-journal"].some((suffix) => log === database + suffix)) {
    throw refused(log, "the database, or one that SQLite keeps beside it");
  }
}

function realPath(path: string, folder: string): string {
  const full = pathOf(path, folder);
  return existsSync(full) ? realpathSync(full) : full;
}

const refused = (log: string, what: string): UsageError =>
  new UsageError(
    `-l (--log-file): ${shownPath(log)} is ${what}`,
    "choose another file for the log",
  );
