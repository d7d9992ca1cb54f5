// What a run would begin with, read from the database: for `--dry-run`. Nothing is written, not even a migration.

import type { Database } from "bun:sqlite";
import { existsSync } from "node:fs";

import type { RunRequest, WriterOptions } from "../../protocol/messages.ts";
import type { NextRun } from "../../protocol/plan.ts";
import type { Code } from "../../protocol/reruns.ts";
import { nextTasks } from "../decide-reruns.ts";
import { RunAliveError } from "../liveness.ts";
import { schemaVersion } from "../migrate.ts";
import type { Patience } from "../patience.ts";
import { findRun } from "../write/find-run.ts";
import { closeReadOnly, openReadOnly } from "./open-read-only.ts";

/**
 * @param code the fingerprints of the pipeline's code; undefined where they are not known
 * @param patience waits for locks
 * @throws StoreError as the run would, where it would be refused for another reason than a living run; ReaderError
 */
export function nextRun(
  options: WriterOptions,
  request: RunRequest,
  code: Code | undefined,
  patience: Patience,
): NextRun {
  const { db: path, storeTaskStatus } = options;
  if (!storeTaskStatus || path === ":memory:" || !existsSync(path)) return { kind: "new" };
  const db = openReadOnly(path, patience);
  try {
    return patience.run(() => inFile(db, path, request, code));
  } catch (thrown) {
    if (thrown instanceof RunAliveError) return { kind: "refused", because: thrown.message };
    throw thrown;
  } finally {
    closeReadOnly(db, path);
  }
}

function inFile(db: Database, path: string, request: RunRequest, code: Code | undefined): NextRun {
  const version = schemaVersion(db, path);
  const run = version === 0 ? undefined : findRun(db, path, request);
  if (run === undefined) return { kind: "new" };
  if (version < versionWithCode) db.run(withoutCode);
  return { kind: "continued", run: run.id, tasks: nextTasks(db, path, run, request, code) };
}

/** The first version that records the code of a run's tasks (0003.sql). */
const versionWithCode = 3;

/** For an earlier version, temporary tables in place of those of the file: everything that is done is kept. */
const withoutCode = `
  CREATE TEMP TABLE IF NOT EXISTS pipeloom_definitions (run_id, name, fingerprint, repeats);
  CREATE TEMP VIEW IF NOT EXISTS task_runs AS SELECT *, NULL AS fingerprint FROM main.task_runs;
`;
