// How far a run is, beyond the counts of its tasks: what it has written, how fast, and what time is left.

import { systemClock } from "../../base/clock.ts";
import { runId } from "../../protocol/ids.ts";
import { RunForecast } from "../../store/read/run-forecast.ts";
import type { Asked } from "../asked.ts";
import type { ProgressView } from "../contract-progress.ts";
import type { RunBrief } from "../contract.ts";
import { ActiveTime, activeMs } from "../index/active-time.ts";
import type { RunIndex } from "../index/run-index.ts";
import { ratesIn } from "../index/run-rates.ts";
import { extentAt } from "../index/run-times.ts";
import type { PageDatabase } from "../page-database.ts";
import { indexedRun } from "./of-tasks.ts";
import { runBrief } from "./runs-view.ts";

/** Of a run that runs, this much of its past says how fast it is. */
const recentMs = 30_000;

/** @throws NotFound, ReaderError */
export async function progressView(database: PageDatabase, { ids }: Asked): Promise<ProgressView> {
  const { index, about } = await indexedRun(database, ids[0] ?? 0);
  const run = runBrief(database, index.run);
  const now = systemClock.wall();
  const isRunning = run.status === "running";
  const speed = isRunning ? recent(database, index, now) : index.memo("speed", () => whole(index));
  // Of half of the tasks, the speed is half of that of the run.
  const known = about.isComplete ? speed.tasksPerSecond : null;
  const remainingMs = isRunning ? remaining(database, run, known) : null;
  return { ...about, rows: index.memo("written", () => rowsOf(index)), ...speed, remainingMs };
}

type Speed = Pick<ProgressView, "activeMs" | "lastAt" | "rowsPerSecond" | "tasksPerSecond">;

const unknown: Speed = { activeMs: null, lastAt: null, rowsPerSecond: null, tasksPerSecond: null };

function recent(database: PageDatabase, index: RunIndex, now: number): Speed {
  const extent = extentAt(index, now);
  if (extent === undefined) return unknown;
  // What has ended since is not all read.
  const to = index.isBehind ? index.asOf : now;
  const rates = ratesIn(index.columns, { from: to - recentMs, to }, to);
  const active = database.activeTimes.of(sessionOf(database, index.run), () => new ActiveTime());
  const unreadMs = index.isBehind ? Math.max(0, now - extent.to) : 0;
  return {
    activeMs: active.in(index, extent) + unreadMs,
    lastAt: extent.to,
    rowsPerSecond: rates?.rowsPerSecond ?? null,
    tasksPerSecond: rates?.tasksPerSecond ?? null,
  };
}

/** Of a run that is over, or whose process is gone: the rates are those of the time in which tasks ran. */
function whole(index: RunIndex): Speed {
  const extent = extentAt(index, undefined);
  if (extent === undefined) return unknown;
  const active = activeMs(index, extent);
  const rates = ratesIn(index.columns, extent, extent.to);
  const stretch = (extent.to - extent.from) / Math.max(active, 1);
  return {
    activeMs: active,
    lastAt: extent.to,
    rowsPerSecond: rates === undefined ? null : rates.rowsPerSecond * stretch,
    tasksPerSecond: rates === undefined ? null : rates.tasksPerSecond * stretch,
  };
}

function rowsOf({ columns }: RunIndex): number | null {
  let sum: number | null = null;
  for (const { rows } of columns.chunks)
    for (const each of rows) if (!Number.isNaN(each)) sum = (sum ?? 0) + each;
  return sum;
}

/** What earlier runs say; else from how many tasks end in a second. */
function remaining(
  database: PageDatabase,
  run: RunBrief,
  tasksPerSecond: number | null,
): number | null {
  const { total, counts } = run;
  if (total === null) return null;
  const learned = forecastOf(database, run).remainingMs(total);
  if (learned !== undefined) return learned;
  const ended = counts.done + counts.error + counts.cancelled + counts.skipped;
  if (tasksPerSecond === null || tasksPerSecond <= 0 || ended >= total) return null;
  return (1000 * (total - ended)) / tasksPerSecond;
}

function forecastOf(database: PageDatabase, { id, pipeline, file }: RunBrief): RunForecast {
  // A session that continues the run learns from what the one before has left.
  return database.forecasts.of(
    sessionOf(database, id),
    () => new RunForecast(database.reader, { id: runId(id), pipeline, file }),
  );
}

const sessionOf = ({ reader }: PageDatabase, id: number): string => {
  const [row] = reader.query("SELECT * FROM pipeline_runs WHERE id = ?", [id]);
  return `${id} ${String(row?.["pid"])} ${String(row?.["process_started_at"])}`;
};
