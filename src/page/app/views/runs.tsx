// The runs of the database, newest first.

import type { RunBrief, RunsView } from "../../contract.ts";
import { ago, count, duration, percent, time } from "../format.ts";
import { changed } from "../live.ts";
import { CountsBar, countsText, Status, statuses } from "../parts/status.tsx";
import { Empty, Show } from "../parts/states.tsx";
import { go, hrefOf, param, withParams } from "../router.ts";
import { useData } from "../use-data.ts";

export function Runs() {
  const asked = new URLSearchParams();
  for (const name of ["pipeline", "status", "before"]) {
    const value = param(name);
    if (value !== null) asked.set(name, value);
  }
  const loaded = useData<RunsView>(`/data/runs?${asked}`);
  return (
    <main>
      <div class="toolbar">
        <h1>Runs</h1>
        <Filters />
      </div>
      <Show of={loaded}>
        {({ runs, hasMore }) =>
          runs.length === 0 ? (
            <NoRuns isFiltered={asked.size > 0} />
          ) : (
            <>
              <Table runs={runs} />
              {hasMore ? (
                <a
                  class="button"
                  href={hrefOf(withParams({ before: String(runs.at(-1)?.id ?? 0) }))}
                >
                  Older runs
                </a>
              ) : null}
            </>
          )
        }
      </Show>
    </main>
  );
}

const NoRuns = ({ isFiltered }: { readonly isFiltered: boolean }) =>
  isFiltered ? (
    <Empty title="No run is like that">
      <a href={hrefOf("/runs")}>Show all runs</a>
    </Empty>
  ) : (
    <Empty title="No runs yet">
      <p>
        Start one: <code>pipeloom run etl.ts</code>
      </p>
    </Empty>
  );

function Filters() {
  const pipeline = param("pipeline");
  return (
    <>
      <select
        aria-label="status"
        value={param("status") ?? ""}
        onChange={({ currentTarget }) =>
          go(withParams({ status: currentTarget.value, before: null }))
        }
      >
        <option value="">every status</option>
        {statuses
          .filter((status) => status !== "queued" && status !== "skipped")
          .map((status) => (
            <option key={status} value={status}>
              {status === "error" ? "failed" : status}
            </option>
          ))}
      </select>
      {pipeline === null ? null : (
        <a class="button" href={hrefOf(withParams({ pipeline: null }))}>
          {pipeline} ✕
        </a>
      )}
    </>
  );
}

const Table = ({ runs }: { readonly runs: readonly RunBrief[] }) => (
  <div class="card scroll-x">
    <table>
      <thead>
        <tr>
          <th>Run</th>
          <th>Pipeline</th>
          <th>Status</th>
          <th>Tasks</th>
          <th>Started</th>
          <th class="number">Took</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <RunRow key={run.id} run={changed.value.get(run.id) ?? run} />
        ))}
      </tbody>
    </table>
  </div>
);

function RunRow({ run }: { readonly run: RunBrief }) {
  const now = Date.now();
  const total = run.total ?? 0;
  return (
    <tr>
      <td>
        <a href={hrefOf(`/runs/${run.id}`)}>{run.id}</a>
      </td>
      <td>
        <a href={hrefOf(`/runs?${new URLSearchParams({ pipeline: run.pipeline })}`)}>
          {run.pipeline}
        </a>
      </td>
      <td>
        <Status of={run.status} />
      </td>
      <td title={countsText(run.counts)}>
        <CountsBar counts={run.counts} total={total} />
        <small>
          {count(run.counts.done)} of {count(total)} done, {percent(run.counts.done, total)}
        </small>
      </td>
      <td title={time(run.startedAt)}>{ago(run.startedAt, now)}</td>
      <td class="number">{duration((run.finishedAt ?? now) - run.startedAt)}</td>
    </tr>
  );
}
