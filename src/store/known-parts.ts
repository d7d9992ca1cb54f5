// What the results of earlier runs depended on: to be compared with what this session's would.

import type { Database } from "bun:sqlite";

import { JSON } from "../base/globals.ts";
import { runId } from "../protocol/ids.ts";
import type { RunRequest } from "../protocol/run-request.ts";
import type { DefinitionParts, KnownParts } from "../protocol/reuse.ts";

/** Of one definition. Older ones are forgotten: their tasks run again. */
const maxKnown = 50;

type Row = {
  readonly fingerprint: string;
  readonly alike: number;
  readonly parts: string | null;
  readonly run: number;
};

/** Of the definitions that use `reuse`, newest first. */
export function knownParts(db: Database, { pipeline, reuses }: RunRequest): KnownParts[] {
  if (reuses.length === 0) return [];
  using rows = db.prepare<Row, [string, string, number]>(
    `SELECT d.fingerprint, d.alike, d.parts, MAX(d.run_id) AS run FROM pipeloom_definitions AS d
      JOIN pipeline_runs AS r ON r.id = d.run_id
      WHERE d.name = ? AND r.pipeline = ? AND d.alike IS NOT NULL GROUP BY d.alike ORDER BY run DESC LIMIT ?`,
  );
  return reuses.flatMap(([task]) =>
    rows.all(task, pipeline, maxKnown).flatMap(({ fingerprint, alike, parts, run }) => {
      const known = partsIn(parts);
      return known === undefined
        ? []
        : [{ task, run: runId(run), fingerprint, alike, parts: known }];
    }),
  );
}

/** Undefined for text that pipeloom cannot have written: no result is taken because of it. */
export function partsIn(text: string | null): DefinitionParts | undefined {
  if (text === null) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}
