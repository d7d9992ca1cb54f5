// One run: its state above, and tabs.

import type { RunView } from "../../contract.ts";
import { duration, time } from "../format.ts";
import { changed } from "../live.ts";
import { CountsBar, countsText, Status } from "../parts/status.tsx";
import { Show } from "../parts/states.tsx";
import { useData } from "../use-data.ts";

export function Run({ id }: { readonly id: number }) {
  const loaded = useData<RunView>(`/data/runs/${id}`);
  return (
    <main>
      <Show of={loaded}>
        {(view) => <Header {...view} run={changed.value.get(id) ?? view.run} />}
      </Show>
    </main>
  );
}

const Header = ({ run }: RunView) => (
  <header class="run-header">
    <h1>
      {run.pipeline} <small>run {run.id}</small>
    </h1>
    <Status of={run.status} />
    <CountsBar counts={run.counts} total={run.total ?? 0} />
    <p>{countsText(run.counts)}</p>
    <p>
      {time(run.startedAt)}, {duration((run.finishedAt ?? Date.now()) - run.startedAt)}
    </p>
  </header>
);
