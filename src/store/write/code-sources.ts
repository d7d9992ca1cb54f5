// The code of fingerprints, so that `why` can show what has changed. The code that was not used for the longest time is dropped.

import type { Database } from "bun:sqlite";

import { JSON } from "../../base/globals.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { Sources } from "./history.ts";

const maxSources = 1000;

export function withoutSource(db: Database, fingerprints: readonly string[]): readonly string[] {
  using rows = db.prepare<{ value: string }, [string]>(
    "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT fingerprint FROM pipeloom_sources)",
  );
  return rows.all(JSON.stringify(fingerprints)).map(({ value }) => value);
}

/** The run uses this code. */
export function useSources(db: Database, run: RunId, fingerprints: readonly string[]): void {
  db.run(
    "UPDATE pipeloom_sources SET run_id = ? WHERE fingerprint IN (SELECT value FROM json_each(?))",
    [run, JSON.stringify(fingerprints)],
  );
}

export function writeSources(db: Database, run: RunId, sources: Sources): void {
  for (const [fingerprint, source] of sources) {
    db.run("INSERT OR IGNORE INTO pipeloom_sources VALUES (?, ?, ?)", [fingerprint, source, run]);
  }
  db.run(
    `DELETE FROM pipeloom_sources WHERE fingerprint IN (SELECT fingerprint FROM pipeloom_sources
      ORDER BY run_id DESC, fingerprint LIMIT -1 OFFSET ?)`,
    [maxSources],
  );
}
