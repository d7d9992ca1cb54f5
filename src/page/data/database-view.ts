// Which database this is.

import { versionLine } from "../../version.ts";
import type { DatabaseView } from "../contract.ts";
import type { PageDatabase } from "../page-database.ts";
import { runsToWatch } from "./runs-view.ts";

/** @throws ReaderError where the database cannot be read: the page asks this to know why */
export function databaseView(database: PageDatabase): DatabaseView {
  const { path, isReadOnly } = database;
  runsToWatch(database, new Map());
  return { path, version: versionLine, isReadOnly };
}
