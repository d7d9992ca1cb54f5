// What a run would begin with, read from the database: for `--dry-run`. Nothing is written, not even a migration.

import type { Database } from "bun:sqlite";
import { existsSync } from "node:fs";

import { maxStoredId, runId } from "../../protocol/ids.ts";
import type { RunRequest, WriterOptions } from "../../protocol/run-request.ts";
import type { NextRun } from "../../protocol/plan.ts";
import type { KnownParts, SessionCode } from "../../protocol/reuse.ts";
import { nextTasks } from "./next-tasks.ts";
import { knownParts } from "../known-parts.ts";
import { RunAliveError } from "../liveness.ts";
import { schemaVersion } from "../migrate.ts";
import type { BusyHandler } from "../busy-handler.ts";
import { findRun, passedOver } from "./find-run.ts";
import { SlotDoneError } from "./slot-run.ts";
import { nextReuse } from "./next-reuse.ts";
import { closeReadOnly, openReadOnly } from "./open-read-only.ts";

/** What is asked of the file. */
type NextRequest = {
  readonly options: WriterOptions;
  readonly request: RunRequest;
  /** Waits for locks. */
  readonly busyHandler: BusyHandler;
};

/** What the results of earlier runs depended on. */
export const knownInFile = (next: NextRequest): readonly KnownParts[] =>
  inFile(next, [], (db, version) =>
    version < versionWithReuse ? [] : knownParts(db, next.request),
  );

/**
 * @param code of the pipeline; undefined where it is not known
 * @param now epoch ms
 * @throws StoreError as the run would, where it would be refused for another reason than a living run or a done slot; ReaderError
 */
export function nextRun(next: NextRequest, code: SessionCode | undefined, now: number): NextRun {
  const { tasks } = next.request;
  try {
    return inFile(next, { kind: "new", tasks, reuse: [] }, (db, version) =>
      nextInFile(db, version, next, code, now),
    );
  } catch (thrown) {
    if (thrown instanceof RunAliveError || thrown instanceof SlotDoneError)
      return { kind: "refused", because: thrown.message };
    throw thrown;
  }
}

function inFile<Result>(
  { options: { db: path, storeTaskStatus }, busyHandler }: NextRequest,
  nothing: Result,
  read: (db: Database, version: number) => Result,
): Result {
  if (!storeTaskStatus || path === ":memory:" || !existsSync(path)) return nothing;
  const db = openReadOnly(path, busyHandler);
  try {
    return busyHandler.run(() => {
      const version = schemaVersion(db, path);
      return version === 0 ? nothing : read(db, version);
    });
  } finally {
    closeReadOnly(db, path);
  }
}

function nextInFile(
  db: Database,
  version: number,
  { options: { db: path }, request }: NextRequest,
  code: SessionCode | undefined,
  now: number,
): NextRun {
  const run = findRun(db, path, request);
  const reuse = version < versionWithReuse ? [] : nextReuse(db, request, code?.parts ?? [], now);
  if (run === undefined) {
    const over = passedOver(db, path, request, runId(maxStoredId));
    const common = { kind: "new", tasks: request.tasks, reuse } as const;
    return over === undefined ? common : { ...common, passedOver: over };
  }
  if (version < versionWithReuse) db.run(version < versionWithCode ? withoutCode : withoutReuse);
  const tasks = nextTasks(db, path, run, request, code);
  return { kind: "continued", run: run.id, tasks, reuse };
}

/** The first version that records which results may be taken by later runs (0005.sql). */
const versionWithReuse = 5;

/** The first version that records the code of a run's tasks (0003.sql). */
const versionWithCode = 3;

/** For an earlier version, temporary tables in place of those of the file: everything that is done is kept. */
const withoutCode = `
  CREATE TEMP TABLE IF NOT EXISTS pipeloom_definitions (run_id, name, fingerprint, repeats, alike);
  CREATE TEMP VIEW IF NOT EXISTS task_runs AS SELECT *, NULL AS fingerprint FROM main.task_runs;
`;

const withoutReuse = `
  CREATE TEMP VIEW IF NOT EXISTS pipeloom_definitions AS SELECT *, NULL AS alike FROM main.pipeloom_definitions;
`;
