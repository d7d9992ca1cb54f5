// The pipelines of the database: how their last runs went, and what to do next.

import type { ComponentChildren } from "preact";

import type { PipelineBrief, PipelinesView, RunBar } from "../../contract-runs.ts";
import { database } from "../database.ts";
import { RunActions } from "../actions/run-actions.tsx";
import { ago, count, duration, time, until } from "../format.ts";
import { changed } from "../live.ts";
import { type Bar, Bars } from "../parts/bars.tsx";
import { OffsetPages } from "../parts/pages.tsx";
import { Empty, Problem, Show } from "../parts/states.tsx";
import { Status, wordOf } from "../parts/status.tsx";
import { baseOf, hrefOf, searchOf } from "../router.ts";
import { tookMs } from "../took.ts";
import { useData } from "../use-data.ts";

export function Pipelines() {
  const loaded = useData<PipelinesView>(`/data/pipelines?${searchOf(["offset"])}`);
  return (
    <main>
      <h1>Pipelines</h1>
      <Show of={loaded}>
        {(view) => (
          <>
            {view.unreadable.map(({ path, problem }) => (
              <Problem key={path} next={path}>
                {problem}
              </Problem>
            ))}
            {view.total === 0 ? (
              <NoPipelines />
            ) : (
              <ul class="pipelines">
                {view.pipelines.map((pipeline) => (
                  <Pipeline
                    key={`${pipeline.database} ${pipeline.name}`}
                    pipeline={live(pipeline)}
                  />
                ))}
              </ul>
            )}
            <OffsetPages of={view} shown={view.pipelines.length} />
          </>
        )}
      </Show>
    </main>
  );
}

const NoPipelines = () => (
  <Empty title="Nothing has run yet">
    {database.value?.isServing === true ? (
      <a href={hrefOf("/schedules", "")}>When each runs next</a>
    ) : null}
    <p>A pipeline is here as soon as it has run once with this database:</p>
    <pre>
      {
        "pipeloom init              # a project with a pipeline that runs\npipeloom run etl.ts        # or your own file"
      }
    </pre>
    <p>This page shows the run while it goes on.</p>
  </Empty>
);

/** With what has changed since the answer. */
function live(pipeline: PipelineBrief): PipelineBrief {
  const news = changed.value;
  const recent = pipeline.recent.map((bar) => news.get(bar.id) ?? bar);
  return { ...pipeline, recent, last: news.get(pipeline.last.id) ?? pipeline.last };
}

function Pipeline({ pipeline }: { readonly pipeline: PipelineBrief }) {
  const { name, recent, last, next } = pipeline;
  const base = baseOf(pipeline.database);
  return (
    <li class="card pipeline">
      <div class="pipeline-name">
        <h2>
          <a href={hrefOf(`/runs?${new URLSearchParams({ pipeline: name })}`, base)}>{name}</a>
        </h2>
        <p>
          <a class="last" href={hrefOf(`/runs/${last.id}`, base)}>
            <Status of={last.status} /> <span class="soft">{ago(last.startedAt, Date.now())}</span>
          </a>
        </p>
        <p class="soft file" title={last.file ?? undefined}>
          {last.file?.split(/[\\/]/).slice(-2).join("/") ?? "ships inside pipeloom"}
        </p>
        {next === null ? null : (
          <p class="soft next" title={time(next)}>
            next {until(next, Date.now())}
          </p>
        )}
      </div>
      <Bars
        bars={recent.map((bar) => barOf(bar, base))}
        label={`the last runs of ${name}`}
        word="run"
      />
      <Facts of={pipeline} base={base} />
      <RunActions run={last} base={base} isShort />
    </li>
  );
}

function Facts({
  of: { recent, runs },
  base,
}: {
  readonly of: PipelineBrief;
  readonly base: string;
}) {
  const running = recent.filter(({ status }) => status === "running");
  return (
    <dl class="pipeline-facts">
      <Fact name="done" title="of the last runs that ended; cancelled ones do not count">
        {successOf(recent)}
      </Fact>
      <Fact name="median" title="how long the last done runs took">
        {medianOf(recent)}
      </Fact>
      <Fact name="runs">{count(runs)}</Fact>
      <Fact name="running">
        {running.length === 0 ? (
          <span class="soft">–</span>
        ) : (
          <Running running={running} base={base} />
        )}
      </Fact>
    </dl>
  );
}

const Fact = ({
  name,
  title,
  children,
}: {
  readonly name: string;
  readonly title?: string;
  readonly children: ComponentChildren;
}) => (
  <div title={title}>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

function barOf(bar: RunBar, base: string): Bar {
  const { id, status, startedAt } = bar;
  const ms = tookMs(bar);
  const took = ms === null ? "" : `, ${duration(ms)}`;
  return {
    key: id,
    status,
    ms,
    href: hrefOf(`/runs/${id}`, base),
    text: `run ${id}, ${wordOf(status)}${took}, ${ago(startedAt, Date.now())}`,
  };
}

type RunningProps = { readonly running: readonly RunBar[]; readonly base: string };

const Running = ({ running, base }: RunningProps) => (
  <a class="status running" href={hrefOf(`/runs/${running.at(-1)?.id}`, base)}>
    ▸ {running.length}
  </a>
);

/** Below it, the share is red: something is wrong with the pipeline, not with a run of it. */
const badShare = 0.8;

function successOf(recent: readonly RunBar[]): ComponentChildren {
  const ended = recent.filter(({ status }) => ["done", "error", "interrupted"].includes(status));
  const done = ended.filter(({ status }) => status === "done").length;
  if (ended.length === 0) return <span class="soft">–</span>;
  const share = done / ended.length;
  return (
    <span class={share < badShare ? "bad" : ""}>
      {Math.floor(share * 100)} %{" "}
      <small>
        {done} of {ended.length}
      </small>
    </span>
  );
}

function medianOf(recent: readonly RunBar[]): ComponentChildren {
  const all = recent
    .filter(({ status }) => status === "done")
    .flatMap((bar) => tookMs(bar) ?? [])
    .toSorted((a, b) => a - b);
  const median = all[Math.floor((all.length - 1) / 2)];
  return median === undefined ? <span class="soft">–</span> : duration(median);
}
