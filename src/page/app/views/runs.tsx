// The runs of the database, newest first. Each filter is in the address.

import { useState } from "preact/hooks";

import type { PipelinesView } from "../../contract-runs.ts";
import type { RunBrief, RunsView } from "../../contract.ts";
import { ago, count, percent, time } from "../format.ts";
import { changed, turns } from "../live.ts";
import { CountsBar, countsText, Status, statuses, totalOf, wordOf } from "../parts/status.tsx";
import { Pages } from "../parts/pages.tsx";
import { Empty, Show } from "../parts/states.tsx";
import { go, hrefOf, param, searchOf, withParams } from "../router.ts";
import { tookText } from "../took.ts";
import { useData } from "../use-data.ts";

const pageSize = 50;

export function Runs() {
  const asked = searchOf(["pipeline", "status", "order", "before"]);
  const isFiltered = asked.size > 0;
  asked.set("limit", String(pageSize));
  const loaded = useData<RunsView>(`/data/runs?${asked}`);
  const [selected, setSelected] = useState<readonly number[]>([]);
  return (
    <main>
      <div class="toolbar">
        <h1>Runs</h1>
        <Filters />
        <span class="space" />
        <Compare selected={selected} clear={() => setSelected([])} />
      </div>
      <Show of={loaded}>
        {({ runs, hasMore }) =>
          runs.length === 0 ? (
            <NoRuns isFiltered={isFiltered} />
          ) : (
            <>
              <Table
                runs={runs}
                selected={selected}
                // Two at most: the one that was selected first is left out.
                toggle={(id) =>
                  setSelected((before) =>
                    before.includes(id)
                      ? before.filter((each) => each !== id)
                      : [...before, id].slice(-2),
                  )
                }
              />
              <Pages name="before" next={hasMore ? (runs.at(-1)?.id ?? null) : null} />
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

const filter = (name: string, value: string | null): void =>
  go(withParams({ [name]: value, before: null }));

function Filters() {
  const isFailedFirst = param("order") === "failed";
  return (
    <>
      <PipelineFilter />
      <select
        aria-label="status"
        value={param("status") ?? ""}
        onChange={({ currentTarget }) => filter("status", currentTarget.value)}
      >
        <option value="">every status</option>
        {statuses
          .filter((status) => status !== "queued" && status !== "skipped")
          .map((status) => (
            <option key={status} value={status}>
              {wordOf(status)}
            </option>
          ))}
      </select>
      <button
        type="button"
        class="toggle"
        aria-pressed={isFailedFirst}
        onClick={() => filter("order", isFailedFirst ? null : "failed")}
      >
        Failed first
      </button>
    </>
  );
}

function PipelineFilter() {
  // One may be new whenever a run begins. Asked at each change, it would cost as much as the list.
  const loaded = useData<PipelinesView>(`/data/pipelines?${turns.value}`, { isLive: false });
  const pipeline = param("pipeline") ?? "";
  const known = loaded.type === "ready" ? loaded.data.pipelines.map(({ name }) => name) : [];
  const others = loaded.type === "ready" ? loaded.data.total - known.length : 0;
  const names = pipeline === "" || known.includes(pipeline) ? known : [pipeline, ...known];
  return (
    <select
      aria-label="pipeline"
      value={pipeline}
      onChange={({ currentTarget }) => filter("pipeline", currentTarget.value)}
    >
      <option value="">every pipeline</option>
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
      {others > 0 ? <option disabled>{count(others)} more: see Pipelines</option> : null}
    </select>
  );
}

function Compare({
  selected,
  clear,
}: {
  readonly selected: readonly number[];
  readonly clear: () => void;
}) {
  if (selected.length === 0) return null;
  const [a = 0, b] = selected.toSorted((x, y) => x - y);
  return (
    <span class="toolbar" role="status">
      {b === undefined ? (
        <span class="soft">Select one more run to compare with run {a}</span>
      ) : (
        <a class="button primary" href={hrefOf(`/compare?a=${a}&b=${b}`)}>
          Compare runs {a} and {b}
        </a>
      )}
      <button type="button" class="plain" aria-label="select none" onClick={clear}>
        ✕
      </button>
    </span>
  );
}

type TableProps = {
  readonly runs: readonly RunBrief[];
  readonly selected: readonly number[];
  readonly toggle: (id: number) => void;
};

const Table = ({ runs, selected, toggle }: TableProps) => (
  <div class="card scroll-x">
    <table class="runs">
      <thead>
        <tr>
          <th aria-label="select" />
          <th class="number">Run</th>
          <th>Pipeline</th>
          <th>Status</th>
          <th>Tasks</th>
          <th>Params</th>
          <th>Started</th>
          <th class="number">Took</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <RunRow
            key={run.id}
            run={changed.value.get(run.id) ?? run}
            isSelected={selected.includes(run.id)}
            toggle={() => toggle(run.id)}
          />
        ))}
      </tbody>
    </table>
  </div>
);

type RowProps = {
  readonly run: RunBrief;
  readonly isSelected: boolean;
  readonly toggle: () => void;
};

const RunRow = ({ run, isSelected, toggle }: RowProps) => (
  <tr class={isSelected ? "selected" : ""}>
    <td class="select">
      <input
        type="checkbox"
        aria-label={`select run ${run.id}`}
        title="select two runs to compare them"
        checked={isSelected}
        onChange={toggle}
      />
    </td>
    <td class="number">
      <a href={hrefOf(`/runs/${run.id}`)}>{run.id}</a>
    </td>
    <td>
      <a class="plain-link" href={hrefOf(`/runs/${run.id}`)}>
        {run.pipeline}
      </a>
    </td>
    <td>
      <Status of={run.status} /> <small>{run.engine}</small>
    </td>
    <Progress run={run} />
    <td class="params" title={run.params === "{}" ? undefined : run.params}>
      <span class="cut soft">{paramsText(run.params)}</span>
    </td>
    <td class="when" title={time(run.startedAt)}>
      {ago(run.startedAt, Date.now())}
      {run.scheduledFor === null ? null : (
        <small title="the slot of its schedule that it is for">for {time(run.scheduledFor)}</small>
      )}
    </td>
    <td class="number">{tookText(run)}</td>
  </tr>
);

function Progress({ run }: { readonly run: RunBrief }) {
  const { counts } = run;
  const total = totalOf(run);
  return (
    <td class="progress" title={countsText(counts)}>
      <CountsBar counts={counts} total={total} />
      <small>
        {count(counts.done)} of {count(total)}, {percent(counts.done, total)}
      </small>
    </td>
  );
}

/** `limit=5 day=2026-01-01` */
function paramsText(json: string): string {
  try {
    return Object.entries(JSON.parse(json) as object)
      .map(
        ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
      )
      .join(" ");
  } catch {
    return json;
  }
}
