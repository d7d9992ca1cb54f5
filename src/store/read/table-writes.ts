// Which task last wrote which of the user's tables, as far as the file says: only pipelines with `reuse` keep it.

import { Date } from "../../base/globals.ts";
import { foldCase } from "../../base/fold-case.ts";
import { number, text } from "./stored-values.ts";
import type { Queries } from "../queries.ts";

type TableWrite = {
  readonly run: number;
  readonly definition: string;
  /** Epoch ms. */
  readonly at: number;
};

/** By table, in small letters, as SQLite compares names. */
export function lastWrites(db: Queries): ReadonlyMap<string, TableWrite> {
  const isThere = db.query("SELECT 1 FROM sqlite_schema WHERE name = 'pipeloom_tables'").length > 0;
  if (!isThere) return new Map();
  const rows = db.query("SELECT name, run_id, definition, at FROM pipeloom_tables");
  return new Map(
    rows.flatMap((row) => {
      const [run, definition] = [number(row["run_id"]), text(row["definition"])];
      const at = Date.parse(text(row["at"]) ?? "");
      // Without a definition, it was another program.
      if (run === null || definition === null || Number.isNaN(at)) return [];
      return [[foldCase(String(row["name"])), { run, definition, at }] as const];
    }),
  );
}
