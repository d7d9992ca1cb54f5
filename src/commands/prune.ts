// `pipeloom prune`: deletes what pipeloom recorded of old runs.

import { systemClock } from "../base/clock.ts";
import { JSON } from "../base/globals.ts";
import { toIso } from "../base/iso-time.ts";
import { grouped, plural } from "../base/text.ts";
import { defineCliCommand } from "../cli/command.ts";
import { print } from "../cli/stdout.ts";
import { UsageError } from "../cli/usage-error.ts";
import { UserError } from "../cli/user-error.ts";
import { dbFlag, pipeloomCommand } from "../protocol/pipeloom-command.ts";
import { isRunAlive } from "../store/liveness.ts";
import { noLock } from "../store/lock.ts";
import { openDatabase, shortTuning } from "../store/open-database.ts";
import { checkTables } from "../store/read/check-tables.ts";
import { runningRuns } from "../store/read/running-runs.ts";
import { type OldRun, oldRuns, type PruneRule } from "../store/read/old-runs.ts";
import { assertHasPipeline } from "../store/read/run-list.ts";
import { StoreError } from "../store/store-error.ts";
import { closeDatabase } from "../store/write/close-database.ts";
import { freeBytes, type Pruned, Pruner, vacuum } from "../store/write/pruner.ts";
import { databaseOf, readDbFlag } from "./default-db.ts";
import { asUserError, busyHandlerFor, waitingReader } from "./waiting-reader.ts";
import { ago } from "./run-table.ts";
import { timeOf } from "./since.ts";

export const command = defineCliCommand({
  meta: {
    name: "prune",
    details:
      "Never deletes your tables, the last run, a running run, or an interrupted one, which the next `run` continues. Works during a run. The space is used by the next runs; --vacuum gives it back to the disk.",
    examples: [
      { line: "pipeloom prune --older-than 30d --dry-run", what: "what would be deleted" },
      { line: "pipeloom prune --keep-runs 50", what: "keep the last 50 runs of each pipeline" },
    ],
  },
  args: {
    db: readDbFlag,
    keepRuns: {
      type: "string",
      valueType: "integer",
      min: 0,
      valueHint: "n",
      description: "delete all but the last n runs of each pipeline",
    },
    olderThan: {
      type: "string",
      valueHint: "time",
      description: "delete runs that ended before: 30d, 12h, 2026-01-31",
    },
    pipeline: {
      type: "string",
      valueHint: "pipeline",
      description: "only runs of this pipeline",
    },
    logsOnly: { type: "boolean", description: "delete only the log lines of these runs" },
    vacuum: {
      type: "boolean",
      description: "shrink the file, which needs as much free space and no running run",
    },
    dryRun: { type: "boolean", description: "show what would be deleted; delete nothing" },
    json: { type: "boolean", description: "print one JSON object" },
  },
  async run({ keepRuns, logsOnly, dryRun, json, ...flags }) {
    const db = databaseOf(flags.db, json);
    if (keepRuns === undefined && flags.olderThan === undefined) {
      throw new UsageError(
        "prune needs to know which runs are old",
        "--keep-runs <n>, --older-than <time>, or both",
      );
    }
    const before =
      flags.olderThan === undefined ? undefined : timeOf(flags.olderThan, "--older-than");
    const rule: PruneRule = {
      keepRuns,
      endedBefore: before === undefined ? undefined : toIso(before),
      pipeline: flags.pipeline,
    };
    const show = json ? jsonText : text;
    try {
      const { runs, isWal, isInUse, free } = look(db, rule);
      // A file that is not opened for writing is not migrated either.
      const nothing = { tasks: 0, logs: 0, freeBytes: free };
      if (dryRun) print(show({ db, runs, logsOnly, done: undefined }));
      else if (runs.length === 0 && !flags.vacuum)
        print(show({ db, runs, logsOnly, done: nothing }));
      else {
        if (flags.vacuum && isInUse) throw inUse(db);
        const options = { logsOnly, vacuum: flags.vacuum, isWal, isInUse };
        const { runs: pruned, ...done } = prune(db, runs, options);
        print(show({ db, runs: runs.filter(({ id }) => pruned.has(id)), logsOnly, done }));
      }
      return 0;
    } catch (thrown) {
      throw thrown instanceof StoreError ? new UserError(thrown.message) : asUserError(thrown);
    }
  },
});

const inUse = (db: string): UserError =>
  new UserError(
    `${db}: a run is running, so the file cannot be shrunk now`,
    `leave out --vacuum, or wait for the run: ${pipeloomCommand("status", "--watch", ...dbFlag(db))}`,
  );

type Look = {
  readonly runs: readonly OldRun[];
  readonly isWal: boolean;
  /** A run is running in the database. */
  readonly isInUse: boolean;
  /** Bytes of the file that are free for the next runs. */
  readonly free: number;
};

function look(db: string, rule: PruneRule): Look {
  using reader = waitingReader(db);
  checkTables(reader);
  if (rule.pipeline !== undefined) assertHasPipeline(reader, rule.pipeline);
  const runs = oldRuns(reader, rule);
  const { live } = runningRuns(reader, (run) => isRunAlive(reader.path, run));
  const [size] = reader.query(
    "SELECT freelist_count * page_size AS free FROM pragma_freelist_count, pragma_page_size",
  );
  const free = Number(size?.["free"]);
  return { runs, isWal: reader.isWal, isInUse: live.length > 0, free };
}

type Done = Pick<Pruned, "tasks" | "logs"> & { readonly freeBytes: number };

type PruneOptions = {
  readonly logsOnly: boolean;
  readonly vacuum: boolean;
  readonly isWal: boolean;
  readonly isInUse: boolean;
};

function prune(path: string, runs: readonly OldRun[], options: PruneOptions): Pruned & Done {
  const { logsOnly, isWal, isInUse } = options;
  // With a write-ahead log, a power cut may bring the last runs back, and nothing else: no transaction waits for the disk.
  const open = {
    db: path,
    wal: isWal,
    durability: isWal ? "normal" : "full",
    storeTaskStatus: true,
  } as const;
  const busyHandler = busyHandlerFor(path);
  const db = busyHandler.run(() => openDatabase(open, shortTuning));
  try {
    const pruner = new Pruner(
      db,
      runs.map(({ id }) => id),
      busyHandler,
      isInUse ? leaveRoom : undefined,
    );
    const pruned = logsOnly ? pruner.deleteLogs() : pruner.deleteRuns(path);
    if (options.vacuum) busyHandler.run(() => vacuum(db));
    return { ...pruned, freeBytes: freeBytes(db) };
  } finally {
    closeDatabase(db, noLock, isInUse);
  }
}

/** A run that waits for its turn looks only now and then: without a pause it would wait for many transactions. */
function leaveRoom(tookMs: number): boolean {
  Bun.sleepSync(Math.min(tookMs / 3, maxRoomMs));
  return false;
}

const maxRoomMs = 50;

type Outcome = {
  readonly db: string;
  readonly runs: readonly OldRun[];
  readonly logsOnly: boolean;
  /** Undefined for a dry run. */
  readonly done: Done | undefined;
};

function text({ db, runs, logsOnly, done }: Outcome): string {
  if (runs.length === 0) return `${db}: no run is old by this rule\n`;
  const whose = `${plural(runs.length, "run")}, ${span(runs)}`;
  if (done === undefined) {
    return `would delete ${logsOnly ? "the log lines of " : ""}${whose}\n`;
  }
  const logs = plural(done.logs, "log line");
  const what = logsOnly
    ? `${logs} of ${whose}`
    : `${whose}: ${plural(done.tasks, "task")}, ${logs}`;
  return `deleted ${what}\n${megabytes(done.freeBytes)} of the file are free for the next runs\n`;
}

/** `1 to 12 (the last one began 3 d ago)` */
function span(runs: readonly OldRun[]): string {
  const [first, last] = [runs[0], runs.at(-1)];
  if (first === undefined || last === undefined) return "";
  const ids = first === last ? String(first.id) : `${first.id} to ${last.id}`;
  return `${ids} (the last one began ${ago(last.startedAt, systemClock.wall())})`;
}

const megabytes = (bytes: number): string => `${grouped(Math.round(bytes / 1e6))} MB`;

const jsonText = ({ db, runs, logsOnly, done }: Outcome): string =>
  `${JSON.stringify({ version: 1, db, dryRun: done === undefined, logsOnly, runs, ...done }, null, 2)}\n`;
