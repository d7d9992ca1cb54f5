// Begins or continues a run: one transaction applies its schema, writes its row and takes its lock. So a request that is
// refused changes no table, two processes that start at once cannot continue the same run, and no process sees a `running`
// row whose lock is not held yet.

import type { Database } from "bun:sqlite";

import { Date } from "../../base/globals.ts";
import { type RunId, runId } from "../../protocol/ids.ts";
import type { PassedOver, RunRequest, WriterOptions } from "../../protocol/run-request.ts";
import type { Rerun } from "../../protocol/reruns.ts";
import type { RunSlot } from "../../protocol/schedule-rule.ts";
import type { KnownParts, SessionCode } from "../../protocol/reuse.ts";
import { isRunAlive, RunAliveError, type RunProcess } from "../liveness.ts";
import { noLock, removeStaleLock, type RunLock, runsWithFiles, tryRunLock } from "../lock.ts";
import { onlyRow } from "../only-row.ts";
import { damagedRow, StoreError } from "../store-error.ts";
import { type Decision, decideReruns, ranDownstream } from "../decide-reruns.ts";
import { knownParts } from "../known-parts.ts";
import { insertDefinitions, markReruns, passesOn, writeParts } from "./definitions.ts";
import { findRun, passedOver } from "../read/find-run.ts";
import { previousSlot } from "../read/slot-run.ts";
import { endSuperseded, insertRun, nextRunId, reviveRun, sessionValues } from "./revive-run.ts";
import { forgetLeft } from "../left-rows.ts";
import { ofRun } from "../own-tables.ts";
import type { SqlStatement } from "../sql-text.ts";
import { isOtherCode, type RunRow, runRows } from "../read/run-rows.ts";
import { hasReusable } from "./reusing-history.ts";
import { applySchema } from "./schema-sql.ts";

export type PreparedRun = {
  readonly id: RunId;
  /** An earlier session of the run is continued. */
  readonly resumed: boolean;
  /** Start of the run's first session, epoch ms. */
  readonly startedAt: number;
  /** Tasks that earlier sessions have done, and that the last one has planned. */
  readonly alreadyDone: number;
  /** The code has changed since the run's last session, and which tasks that concerns is not known. */
  readonly otherCode: boolean;
  readonly reruns: readonly Rerun[];
  /** What depends on tasks that run again runs again too. */
  readonly passesOn: boolean;
  /** Tasks may have marks of decide-reruns.ts. */
  readonly hasMarks: boolean;
  /** Statements of the pipeline's schema: see schema-sql.ts. */
  readonly leftOut: readonly SqlStatement[];
  /** Results may be taken by later runs, or by this one: it is recorded which tables units write. */
  readonly records: { readonly hasSchemaWritten: boolean } | undefined;
  readonly lock: RunLock;
  /** The process of the run's last session died before the run's end. */
  readonly interrupted: RunProcess | undefined;
  readonly passedOver: PassedOver | undefined;
  /** Of the run's first session. */
  readonly slot: RunSlot | undefined;
};

/** A run is to be continued, and the fingerprints of this session's code are needed for that. Nothing was written. */
export class CodeWantedError extends Error {
  override readonly name = "CodeWantedError";
  /** Of earlier runs. */
  readonly known: readonly KnownParts[];

  constructor(known: readonly KnownParts[]) {
    super("the fingerprints of the code are needed");
    this.known = known;
  }
}

/**
 * Finds the run to continue, or decides on a new one; applies the pipeline's schema, writes the run's row and takes its lock.
 *
 * @param code the fingerprints; undefined while they are not known
 * @throws CodeWantedError; StoreError `run-alive`, `no-such-run`, `wrong-pipeline`, `other-params`, or `no-history` if the
 *   requested run cannot be continued; `slot-done`, `slot-taken`, `overlaps`; `would-repeat`, `nothing-to-keep`, `nothing-to-rerun`;
 *   SchemaError. Nothing is written then.
 */
export function prepareRun(
  db: Database,
  options: WriterOptions,
  request: RunRequest,
  now: number,
  code?: SessionCode,
): PreparedRun {
  if (!options.storeTaskStatus) return withoutHistory(db, options, request, now);
  let lock: RunLock | undefined;
  // Before the transaction: some systems are slow to tell when a process started.
  const session = sessionValues(request);
  const begin = db.transaction(() => {
    const dead = findRun(db, options.db, request);
    const decision = decide(db, options.db, dead, request, code);
    const slot = slotOf(db, request, dead);
    const taken = takeLock(db, options.db, dead);
    lock = taken.lock;
    const applied = applyWatched(db, request, dead !== undefined);
    if (decision === undefined) {
      insertRun(db, { id: taken.id, pipeline: request.pipeline, slot, now }, session);
      insertDefinitions(db, taken.id, request);
    } else {
      reviveRun(db, taken.id, session);
      recordDecision(db, taken.id, request, decision, code);
    }
    endSuperseded(db, options.db, request, taken.id);
    removeStaleFiles(db, options.db, taken.id);
    return {
      ...(dead === undefined ? newRun(now) : continuedRun(db, options.db, dead, request, decision)),
      ...applied,
      id: taken.id,
      slot,
      passedOver: dead === undefined ? passedOver(db, options.db, request, taken.id) : undefined,
      passesOn:
        (request.reruns.downstream || decision?.hasMarked === true) && passesOn(db, taken.id),
      lock: taken.lock,
    };
  });
  try {
    return begin.immediate();
  } catch (thrown) {
    lock?.release();
    throw thrown;
  }
}

function slotOf(
  db: Database,
  { pipeline, scheduledFor }: RunRequest,
  dead: RunRow | undefined,
): RunSlot | undefined {
  if (dead !== undefined) {
    const { scheduledFor: slot, previousSlot: previous } = dead;
    return slot === null ? undefined : { scheduledFor: slot, previous };
  }
  if (scheduledFor === null) return undefined;
  return { scheduledFor, previous: previousSlot(db, pipeline, scheduledFor) };
}

const mayMark = ({ reruns }: RunRequest, { hasMarked, outdated, asked }: Decision): boolean =>
  hasMarked || outdated.size > 0 || asked.length > 0 || reruns.failed;

function recordDecision(
  db: Database,
  id: RunId,
  request: RunRequest,
  decision: Decision,
  code: SessionCode | undefined,
): void {
  markReruns(db, id, request, code?.code, decision);
  if (code !== undefined) writeParts(db, id, code.parts);
}

const newRun = (now: number) =>
  ({
    resumed: false,
    startedAt: now,
    alreadyDone: 0,
    otherCode: false,
    reruns: [],
    hasMarks: false,
    interrupted: undefined,
  }) as const;

function continuedRun(
  db: Database,
  path: string,
  dead: RunRow,
  request: RunRequest,
  decision: Decision | undefined,
) {
  const alreadyDone = countDone(db, dead.id);
  forgetLeft(db, dead.id);
  return {
    resumed: true,
    startedAt: startOf(dead, path),
    alreadyDone,
    otherCode: decision?.isUnknown === true && isOtherCode(dead, request),
    reruns: decision?.reruns ?? [],
    hasMarks: decision !== undefined && mayMark(request, decision),
    interrupted: dead.status === "running" ? dead : undefined,
  };
}

/** Applies the schema. Where results may be reused, it says whether the schema has written rows. */
function applyWatched(
  db: Database,
  request: RunRequest,
  isContinued: boolean,
): Pick<PreparedRun, "leftOut" | "records"> {
  if (request.reuses.length === 0 && !hasReusable(db)) {
    return { leftOut: applySchemaOf(db, request, isContinued), records: undefined };
  }
  const before = changesOf(db);
  const leftOut = applySchemaOf(db, request, isContinued);
  return { leftOut, records: { hasSchemaWritten: changesOf(db) !== before } };
}

/** Rows that this connection has inserted, updated or deleted. */
function changesOf(db: Database): number {
  using changes = db.prepare<{ n: number }, []>("SELECT total_changes() AS n");
  return onlyRow(changes.get()).n;
}

const applySchemaOf = (
  db: Database,
  { schema }: RunRequest,
  isContinued: boolean,
): readonly SqlStatement[] => (schema === null ? [] : applySchema(db, schema, isContinued));

function decide(
  db: Database,
  path: string,
  run: RunRow | undefined,
  request: RunRequest,
  code: SessionCode | undefined,
): Decision | undefined {
  if (run === undefined) return refuseKeep(path, request);
  if (request.code !== null && code === undefined)
    throw new CodeWantedError(knownParts(db, request));
  return decideReruns(db, path, run, request, code);
}

function refuseKeep(path: string, { pipeline, reruns: { keep } }: RunRequest): undefined {
  const [name] = keep;
  if (name === undefined) return undefined;
  throw new StoreError(
    "nothing-to-keep",
    `${path} has no unfinished run of "${pipeline}", so there are no results of "${name}" to keep; leave out --keep to ` +
      "start a new run, or name a run with --resume <id>",
  );
}

/** The database has no rows of runs, so no run can be continued, and no other process can take this one for dead. */
function withoutHistory(
  db: Database,
  options: WriterOptions,
  request: RunRequest,
  startedAt: number,
): PreparedRun {
  const { resume } = request;
  if (resume !== "auto" && resume !== "fresh") {
    throw new StoreError(
      "no-history",
      `${options.db}: without stored task status no run can be continued; leave out --resume and --rerun, or --no-store-task-status`,
    );
  }
  db.transaction(() => applySchemaOf(db, request, false)).immediate();
  return {
    id: runId(1),
    resumed: false,
    startedAt,
    alreadyDone: 0,
    otherCode: false,
    reruns: [],
    passesOn: false,
    hasMarks: false,
    leftOut: [],
    records: undefined,
    lock: noLock,
    interrupted: undefined,
    passedOver: undefined,
    slot: undefined,
  };
}

function startOf({ id, startedAt }: RunRow, path: string): number {
  const at = Date.parse(startedAt);
  if (Number.isNaN(at)) throw damagedRow(path, `the start of run ${id}`);
  return at;
}

/** Before `forgetLeft`. */
function countDone(db: Database, id: RunId): number {
  using count = db.prepare<{ n: number }, [number]>(
    `SELECT COUNT(*) AS n FROM task_runs WHERE ${ofRun("?1")} AND status = 'done' AND error IS NULL AND coalesce(fingerprint, '${ranDownstream}') = '${ranDownstream}'`,
  );
  return onlyRow(count.get(id)).n;
}

type Taken = { readonly id: RunId; readonly lock: RunLock };

const takeLock = (db: Database, path: string, dead: RunRow | undefined): Taken =>
  dead === undefined ? lockNew(path, nextRunId(db)) : lockOld(path, dead);

function lockOld(path: string, run: RunRow): Taken {
  const lock = tryRunLock(path, run.id);
  if (lock === undefined) throw new RunAliveError(path, run);
  return { id: run.id, lock };
}

/** Skips ids whose lock is held: by a run whose database was deleted while it ran. */
function lockNew(path: string, first: RunId): Taken {
  for (let id = first; ; id = runId(id + 1)) {
    const lock = tryRunLock(path, id);
    if (lock !== undefined) return { id, lock };
  }
}

/**
 * Removes the lock and control files of dead runs that nobody continued, and of runs that were killed after their end was
 * stored. Locks are taken only within a write transaction, so nobody takes one meanwhile.
 */
function removeStaleFiles(db: Database, path: string, own: RunId): void {
  for (const id of runsWithFiles(path)) {
    if (id === own) continue;
    const [running] = runRows(db, "id = ? AND status = 'running'", id);
    if (running === undefined || !isRunAlive(path, running)) removeStaleLock(path, id);
  }
}
