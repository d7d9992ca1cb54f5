// Deletes what is recorded of a pipeline's old runs, at the end of each of its runs (`pipeline({ keep })`).

import type { Database } from "bun:sqlite";

import { systemClock } from "../../base/clock.ts";
import { toIso } from "../../base/iso-time.ts";
import type { KeepRule } from "../../protocol/run-request.ts";
import { type OldRunsSource, oldRuns } from "../read/old-runs.ts";
import { isBusy } from "../sqlite-error.ts";
import { Pruner } from "./pruner.ts";

/** How long the end of a run waits for it. The next run goes on with the rest. */
const maxMs = 1_000;

/** @param now epoch ms */
export function pruneOldRuns(
  db: Database,
  path: string,
  pipeline: string,
  { runs, ageMs }: KeepRule,
  now: number,
): void {
  const source: OldRunsSource = {
    path,
    query(sql, params = []) {
      using statement = db.prepare<Row, Params>(sql);
      return statement.all(...params);
    },
  };
  const endedBefore = ageMs === null ? undefined : toIso(Math.max(0, now - ageMs));
  const old = oldRuns(source, { keepRuns: runs ?? undefined, endedBefore, pipeline });
  if (old.length === 0) return;
  const until = systemClock.now() + maxMs;
  const ids = old.map(({ id }) => id);
  try {
    new Pruner(db, ids, impatient, () => systemClock.now() > until).deleteRuns(path);
  } catch (thrown) {
    if (!isBusy(thrown)) throw thrown;
  }
}

/** A run that is done does not wait for another program's lock in order to tidy up. */
const impatient: ConstructorParameters<typeof Pruner>[2] = { run: (step) => step() };

type Row = ReturnType<OldRunsSource["query"]>[number];
type Params = [...NonNullable<Parameters<OldRunsSource["query"]>[1]>];
