// What a run has written, the tables of the database, and SQL that reads them.

import { useMemo } from "preact/hooks";

import type { RunBrief } from "../../contract.ts";
import type { RowsView, TablesView } from "../../contract-data.ts";
import { Plot, type PlotLines } from "../parts/plot.tsx";
import { Show } from "../parts/states.tsx";
import { isReport } from "../source.ts";
import { useData } from "../use-data.ts";
import { SqlBox } from "./sql-box.tsx";
import { Tables } from "./tables.tsx";

export function Data({ run }: { readonly run: RunBrief }) {
  const loaded = useData<TablesView>("/data/tables");
  return (
    <div class="data">
      <Show of={loaded}>{({ tables }) => <Tables run={run} tables={tables} />}</Show>
      <RowsOverTime run={run} />
      {isReport ? null : <SqlBox />}
    </div>
  );
}

/** Nothing where the run has written no rows: the tables below may have those of others. */
function RowsOverTime({ run }: { readonly run: RunBrief }) {
  const loaded = useData<RowsView>(`/data/runs/${run.id}/rows`);
  const view = loaded.type === "ready" ? loaded.data : undefined;
  const plot = useMemo(() => (view === undefined ? undefined : plotOf(view)), [view]);
  if (plot === undefined || plot.lines.length === 0) return null;
  return (
    <section class="card" aria-label="rows over time">
      <h2>Rows written by this run</h2>
      <Plot of={plot} height={200} />
    </section>
  );
}

const plotOf = ({ times, lines }: RowsView): PlotLines => ({
  x: times.map((time) => time / 1000),
  xName: "time",
  isTime: true,
  lines: lines.map(({ name, rows }) => ({ name, values: rows })),
});
