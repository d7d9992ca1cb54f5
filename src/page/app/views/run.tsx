// One run: its state above, and tabs.

import type { FunctionComponent } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

import type { RunBrief, RunView } from "../../contract.ts";
import { count } from "../format.ts";
import { changed } from "../live.ts";
import { Show } from "../parts/states.tsx";
import { hrefOf, parts } from "../router.ts";
import { useData } from "../use-data.ts";
import { Data } from "./data.tsx";
import { Failures } from "./failures.tsx";
import { Graph } from "./graph.tsx";
import { Logs } from "./logs.tsx";
import { RunHeader } from "./run-header.tsx";
import { Tasks } from "./tasks.tsx";
import { Timeline } from "./timeline.tsx";

type Tab = {
  readonly name: string;
  readonly title: string;
  readonly View: FunctionComponent<{ readonly run: RunBrief }>;
};

/** The first is shown at `/runs/12`. */
const tabs: readonly Tab[] = [
  { name: "timeline", title: "Timeline", View: Timeline },
  { name: "graph", title: "Graph", View: Graph },
  { name: "tasks", title: "Tasks", View: Tasks },
  { name: "failures", title: "Failures", View: Failures },
  { name: "logs", title: "Logs", View: Logs },
  { name: "data", title: "Data", View: Data },
];

export function Run({ id }: { readonly id: number }) {
  const loaded = useData<RunView>(`/data/runs/${id}`);
  const [, , name] = parts.value;
  const tab = tabs.find((each) => each.name === name) ?? tabs[0];
  return (
    <main>
      <Show of={loaded}>
        {(view) => {
          const run = changed.value.get(id) ?? view.run;
          return (
            <>
              <RunHeader run={run} />
              <Tabs run={run} chosen={tab} />
              {tab === undefined ? null : <tab.View run={run} />}
            </>
          );
        }}
      </Show>
    </main>
  );
}

function Tabs({ run, chosen }: { readonly run: RunBrief; readonly chosen: Tab | undefined }) {
  const bar = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    // In a narrow window it is beside the edge.
    const { current } = bar;
    const link = current?.querySelector<HTMLElement>("[aria-current=page]") ?? null;
    if (current === null || link === null) return;
    current.scrollLeft = link.offsetLeft - (current.clientWidth - link.offsetWidth) / 2;
  }, [chosen]);
  return (
    <nav class="tabs" aria-label="of this run" ref={bar}>
      {tabs.map((each) => (
        <a
          key={each.name}
          href={hrefOf(`/runs/${run.id}/${each.name}`)}
          aria-current={each === chosen ? "page" : undefined}
        >
          {each.title}
          {each.name === "failures" && run.counts.error > 0 ? (
            <span class="badge">{count(run.counts.error)}</span>
          ) : null}
        </a>
      ))}
    </nav>
  );
}
