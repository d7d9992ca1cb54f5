// The runs of the database, newest first.

import type { RunBrief, RunsView } from "../../contract.ts";
import { count, duration, time } from "../format.ts";
import { changed } from "../live.ts";
import { CountsBar, countsText, Status } from "../parts/status.tsx";
import { Empty, Show } from "../parts/states.tsx";
import { hrefOf } from "../router.ts";
import { useData } from "../use-data.ts";

export function Runs() {
  const loaded = useData<RunsView>("/data/runs");
  return (
    <main>
      <h1>Runs</h1>
      <Show of={loaded}>
        {({ runs }) =>
          runs.length === 0 ? (
            <Empty title="No runs yet">
              <p>
                Start one: <code>pipeloom run etl.ts</code>
              </p>
            </Empty>
          ) : (
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
          )
        }
      </Show>
    </main>
  );
}

const RunRow = ({ run }: { readonly run: RunBrief }) => (
  <tr>
    <td>
      <a href={hrefOf(`/runs/${run.id}`)}>{run.id}</a>
    </td>
    <td>{run.pipeline}</td>
    <td>
      <Status of={run.status} />
    </td>
    <td title={countsText(run.counts)}>
      <CountsBar counts={run.counts} total={run.total ?? 0} /> {count(run.counts.done)}
    </td>
    <td>{time(run.startedAt)}</td>
    <td class="number">{duration((run.finishedAt ?? Date.now()) - run.startedAt)}</td>
  </tr>
);
