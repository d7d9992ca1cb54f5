// Which database this is.

import { versionLine } from "../../version.ts";
import type { DatabaseView } from "../contract.ts";
import type { PageDatabase } from "../page-database.ts";

export const databaseView = ({ path, isReadOnly }: PageDatabase): DatabaseView => ({
  path,
  version: versionLine,
  isReadOnly,
});
