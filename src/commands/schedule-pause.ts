// `pipeloom schedule pause|resume <file>`: what serve reads before it starts a run.
//
// `--json`, one object: { "version": 1, "pipeline", "db", "paused": boolean, "changed": boolean }
// JSON Schema: .github/schemas/schedule-pause.v1.schema.json.

import { systemClock } from "../base/clock.ts";
import { JSON } from "../base/globals.ts";
import { print } from "../cli/stdout.ts";
import { UserError } from "../cli/user-error.ts";
import type { ModuleRef } from "../protocol/messages.ts";
import { pipeloomCommand } from "../protocol/pipeloom-command.ts";
import type { ScheduleChange, ScheduleRow } from "../protocol/served-schedule.ts";
import { chooseDatabase, fileArgument, type LoadedPipeline } from "../run-pipeline.ts";
import { asNamedInFile } from "../serve/database-words.ts";
import { scheduleStore } from "../serve/schedule-store.ts";
import { ruleKey } from "../serve/served-entry.ts";
import { StoreError } from "../store/store-error.ts";
import { changeSchedules } from "../store/write/schedule-changes.ts";
import { loadSchedule } from "./load-schedule.ts";
import { busyHandlerFor } from "./waiting-reader.ts";

export async function changePause(
  wantsPause: boolean,
  file: Extract<ModuleRef, { kind: "file" }>,
  json: boolean,
): Promise<number> {
  const { loaded, name, rule } = await loadSchedule(file);
  const { path: db } = await chooseDatabase(loaded, undefined);
  if (db === ":memory:") {
    throw new UserError(
      `"${name}" keeps nothing in a file, so serve never runs it`,
      "give it a db",
    );
  }
  const at = systemClock.wall();
  const row = rowIn(db, name, at);
  const wasPaused = row !== null && row.paused !== null;
  const seen: ScheduleChange[] =
    row === null ? [{ kind: "seen", pipeline: name, rule: ruleKey(rule), at }] : [];
  const change: ScheduleChange = wantsPause
    ? { kind: "pause", pipeline: name, pause: { at, failures: null } }
    : { kind: "resume", pipeline: name, at };
  const isChanged = wasPaused !== wantsPause;
  if (isChanged) store(db, [...seen, change]);
  const resume = pipeloomCommand("schedule", "resume", fileArgument(file));
  const paused = `is ${isChanged ? "now" : "already"} paused; to resume: ${resume}`;
  const resumed = isChanged ? "is resumed" : "was not paused";
  const text = `"${name}" ${wantsPause ? paused : resumed}`;
  const data = { version: 1, pipeline: name, db, paused: wantsPause, changed: isChanged };
  print(`${json ? JSON.stringify(data) : text}\n`);
  return 0;
}

/** Null also where it cannot be read: that is a matter of the commands that need it. */
export async function servedRow(
  loaded: LoadedPipeline,
  pipeline: string,
): Promise<ScheduleRow | null> {
  const { path: db } = await chooseDatabase(loaded, undefined);
  if (db === ":memory:") return null;
  const read = scheduleStore.read(db, [pipeline], systemClock.wall());
  return read.kind === "ok" ? (read.histories.get(pipeline)?.row ?? null) : null;
}

/** @throws UserError where the database cannot be read */
function rowIn(db: string, pipeline: string, at: number): ScheduleRow | null {
  const read = busyHandlerFor(db).run(() => scheduleStore.read(db, [pipeline], at));
  if (read.kind === "bad") throw new UserError(read.reason);
  if (read.kind === "later") throw new UserError(`${db} is locked by another program; try again`);
  return read.histories.get(pipeline)?.row ?? null;
}

function store(db: string, changes: readonly ScheduleChange[]): void {
  try {
    busyHandlerFor(db).run(() => changeSchedules(db, changes));
  } catch (thrown) {
    throw thrown instanceof StoreError ? new UserError(asNamedInFile(thrown.message)) : thrown;
  }
}
