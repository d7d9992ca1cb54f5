// `--db` of the commands that read a database, and its default. Commands that write do not use it: their default must not
// depend on which file was written last.

import { defineFlags } from "../cli/flag-defs.ts";
import { sayOnStderr } from "../cli/stderr.ts";
import { databaseToRead, type DatabaseToRead } from "../store/choose-database.ts";
import { shownOn } from "../base/streams.ts";

export const { db: readDbFlag } = defineFlags({
  db: {
    type: "string",
    valueHint: "db",
    defaultHint: "pipeloom.db or wal_demo.db, whichever was written last",
    description: "the database",
  },
});

/**
 * A guess is said on stderr: always if there are two databases, else only to a person, so that scripts stay silent.
 * @param given the value of `--db`, a path or a `file://` URL
 * @param isForPrograms the output is JSON or CSV, or quiet: nothing is said
 */
export function databaseOf(given: string | undefined, isForPrograms: boolean): string {
  const chosen = databaseToRead(given, process.cwd());
  if (!isForPrograms && isSaid(chosen)) say(chosen);
  return chosen.path;
}

const isSaid = ({ guess }: DatabaseToRead): boolean =>
  guess === "choice" || (guess === "only" && shownOn("stderr").isTTY);

function say({ path, guess }: DatabaseToRead): void {
  const why = guess === "choice" ? "the one written last" : "in this folder";
  sayOnStderr(`database: ${path} (${why}; --db names another)\n`);
}
