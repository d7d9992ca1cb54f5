// Deletes what is recorded of a pipeline's old runs, at the end of each of its runs (`pipeline({ keep })`).

import type { Database } from "bun:sqlite";

import { systemClock } from "../../base/clock.ts";
import { Date } from "../../base/globals.ts";
import type { KeepRule } from "../../protocol/messages.ts";
import type { Patience } from "../patience.ts";
import { type OldRunsSource, oldRuns } from "../read/old-runs.ts";
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
  patience: Patience,
): void {
  const source: OldRunsSource = {
    path,
    query(sql, params = []) {
      using statement = db.prepare<Row, Params>(sql);
      return statement.all(...params);
    },
  };
  const endedBefore = ageMs === null ? undefined : new Date(now - ageMs).toISOString();
  const old = oldRuns(source, { keepRuns: runs ?? undefined, endedBefore, pipeline });
  if (old.length === 0) return;
  const until = systemClock.now() + maxMs;
  const ids = old.map(({ id }) => id);
  new Pruner(db, ids, patience, () => systemClock.now() > until).deleteRuns(path);
}

type Row = ReturnType<OldRunsSource["query"]>[number];
type Params = [...NonNullable<Parameters<OldRunsSource["query"]>[1]>];
