// Checks that a database has pipeloom's own tables, in a version that this pipeloom can read.

import { commandWord, pathWord } from "../../protocol/pipeloom-command.ts";
import { migrations } from "../migrate.ts";
import type { OwnTable } from "../own-tables.ts";
import type { Reader } from "./reader.ts";
import { ReaderError } from "./reader-error.ts";
import { number } from "./stored-values.ts";

/** `task_logs` is not read here, so users may drop it. */
const tablesRead: readonly OwnTable[] = ["pipeloom_schema", "pipeline_runs", "task_runs"];

/** @throws ReaderError `no-tables` or `newer-version` */
export function checkTables(reader: Reader): void {
  const tables = reader.query(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN (${tablesRead.map(() => "?").join(", ")})`,
    tablesRead,
  );
  if (tables.length < tablesRead.length) {
    throw new ReaderError(
      "no-tables",
      `${reader.path} has no tables of pipeloom's; run a pipeline with --db ${commandWord(pathWord(reader.path))}, or make them with pipeloom init-db`,
    );
  }
  const version = number(reader.query("SELECT version FROM pipeloom_schema")[0]?.["version"]) ?? 0;
  if (version > migrations.length) {
    throw new ReaderError(
      "newer-version",
      `${reader.path} was written by a newer pipeloom (its tables have version ${version}, this one knows up to ${migrations.length}); update pipeloom`,
    );
  }
}
