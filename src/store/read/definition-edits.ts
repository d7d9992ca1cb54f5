// Which task definitions differ between two runs, as far as the file has their code.

import type { Reader } from "./reader.ts";
import { storedSource } from "./stored-source.ts";

type DefinitionEdit = {
  readonly name: string;
  /** `added`: only the second run has it. */
  readonly kind: "changed" | "added" | "removed";
  /** Whose code is in the file, so that it can be compared. */
  readonly hasCode: boolean;
};

/** Bounds the answer. */
const maxEdits = 500;

/** In the order of their names. Null where the file does not have the code of both runs: it, or one of them, is of an earlier version. */
export function definitionEdits(
  reader: Reader,
  a: number,
  b: number,
): readonly DefinitionEdit[] | null {
  const tables = reader.query(
    "SELECT name FROM sqlite_schema WHERE name IN ('pipeloom_definitions', 'pipeloom_sources')",
  );
  if (tables.length < 2 || ![a, b].every((run) => hasDefinitions(reader, run))) return null;
  const hasSource = "EXISTS (SELECT 1 FROM pipeloom_sources WHERE fingerprint = d.fingerprint)";
  return reader
    .query(
      `WITH d AS (SELECT run_id, name, fingerprint FROM pipeloom_definitions WHERE run_id IN (?1, ?2))
        SELECT name, MIN(run_id = ?2) AS is_added, COUNT(*) AS sides, MIN(${hasSource}) AS has_code
          FROM d GROUP BY name HAVING COUNT(*) = 1 OR MIN(fingerprint) <> MAX(fingerprint)
          ORDER BY name LIMIT ?3`,
      [a, b, maxEdits],
    )
    .map((row) => ({
      name: String(row["name"]),
      kind: Number(row["sides"]) > 1 ? "changed" : row["is_added"] === 1 ? "added" : "removed",
      hasCode: row["has_code"] === 1,
    }));
}

const hasDefinitions = (reader: Reader, run: number): boolean =>
  reader.query("SELECT 1 FROM pipeloom_definitions WHERE run_id = ? LIMIT 1", [run]).length > 0;

/** Undefined where the file does not have it. */
export function definitionSource(reader: Reader, run: number, name: string): string | undefined {
  const [row] = reader.query(
    `SELECT s.source FROM pipeloom_definitions AS d JOIN pipeloom_sources AS s ON s.fingerprint = d.fingerprint
      WHERE d.run_id = ? AND d.name = ?`,
    [run, name],
  );
  return storedSource(row?.["source"]);
}
