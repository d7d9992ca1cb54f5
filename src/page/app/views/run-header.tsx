// A run's state: how it is, since when, how far it is and how fast.

import type { RunBrief } from "../../contract.ts";
import type { ProgressView } from "../../contract-progress.ts";
import { RunActions } from "../actions/run-actions.tsx";
import { count, counted, duration, percent, rough, roughDuration, time } from "../format.ts";
import { CountsBar, Status, statuses, totalOf } from "../parts/status.tsx";
import { tookMs } from "../took.ts";
import { useData } from "../use-data.ts";

export function RunHeader({ run }: { readonly run: RunBrief }) {
  const isRunning = run.status === "running";
  const loaded = useData<ProgressView>(`/data/runs/${run.id}/progress`, { isGrowing: isRunning });
  const progress = loaded.type === "ready" && !loaded.isOld ? loaded.data : undefined;
  return (
    <header class="run-header">
      <div class="toolbar">
        <h1>
          <bdi>{run.pipeline}</bdi> <small>run {run.id}</small>
        </h1>
        <Status of={run.status} />
        <span class="soft">
          {time(run.startedAt)}
          {timeText(run, progress)}
          {run.scheduledFor === null ? "" : ` · for ${time(run.scheduledFor)} of its schedule`}
          {run.engine === null ? "" : ` · on ${run.engine}`}
        </span>
        <span class="space" />
        <RunActions run={run} />
      </div>
      {run.params === "{}" ? null : <code class="soft run-params">{run.params}</code>}
      {run.error === null ? null : (
        <p class="run-error" role="alert">
          {run.error.message}
        </p>
      )}
      <Counts run={run} progress={progress} />
    </header>
  );
}

type CountsProps = { readonly run: RunBrief; readonly progress: ProgressView | undefined };

function Counts({ run, progress }: CountsProps) {
  const isRunning = run.status === "running";
  const total = totalOf(run);
  return (
    <>
      <CountsBar counts={run.counts} total={total} />
      <ul class="counts">
        {statuses
          .filter((status) => run.counts[status] > 0)
          .map((status) => (
            <li key={status}>
              <Status of={status} /> {count(run.counts[status])}
            </li>
          ))}
        {total === 0 ? null : (
          <li class="soft">
            {percent(run.counts.done, total)} of {count(total)}
            {isRunning && run.total === null ? " so far" : ""}
          </li>
        )}
        {progress === undefined ? null : <Speed of={progress} isRunning={isRunning} />}
      </ul>
    </>
  );
}

type SpeedProps = { readonly of: ProgressView; readonly isRunning: boolean };

function Speed({ of, isRunning }: SpeedProps) {
  const { isComplete, rows, rowsPerSecond, tasksPerSecond, remainingMs } = of;
  const when = isRunning ? "in the last 30 s" : "while tasks ran";
  return (
    <>
      {isComplete && rows !== null && rows > 0 ? <li>{counted(rows, "row")}</li> : null}
      {isComplete && rowsPerSecond !== null && rowsPerSecond > 0 ? (
        <li class="soft" title={when}>
          {rough(rowsPerSecond)} rows/s
        </li>
      ) : null}
      {isComplete && tasksPerSecond !== null && tasksPerSecond > 0 ? (
        <li class="soft" title={when}>
          {rough(tasksPerSecond)} tasks/s
        </li>
      ) : null}
      {remainingMs === null || !isRunning ? null : (
        <li class="remaining">about {roughDuration(remainingMs)} left</li>
      )}
    </>
  );
}

/** Less idle time than this part of the whole, or than this, is not worth words. */
const leastIdle = { part: 0.2, ms: 60_000 };

/** A run that was continued a week later took a week, but its tasks did not. */
function timeText(run: RunBrief, progress: ProgressView | undefined): string {
  const tookFor = tookMs(run);
  if (tookFor === null) {
    const lastAt = progress?.lastAt ?? null;
    return lastAt === null ? "" : `, last seen at work ${time(lastAt)}`;
  }
  const activeMs = progress?.isComplete === true ? progress.activeMs : null;
  const idleMs = activeMs === null ? 0 : tookFor - activeMs;
  const isIdle = idleMs > leastIdle.ms && idleMs > leastIdle.part * tookFor;
  const active = isIdle && activeMs !== null ? `; tasks ran for ${duration(activeMs)} of it` : "";
  return ` · ${duration(tookFor)}${active}`;
}
