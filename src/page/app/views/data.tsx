// The tables of the database, and SQL that reads them.

import { useMemo } from "preact/hooks";

import type { RunBrief } from "../../contract.ts";
import type { RowsView, TablesView, TableView } from "../../contract-data.ts";
import { ago, count } from "../format.ts";
import { Plot, type PlotLines } from "../parts/plot.tsx";
import { Empty, Show } from "../parts/states.tsx";
import { go, hrefOf, withParams } from "../router.ts";
import { isReport } from "../source.ts";
import { useData } from "../use-data.ts";
import { SqlBox } from "./sql-box.tsx";

export function Data({ run }: { readonly run: RunBrief }) {
  const loaded = useData<TablesView>("/data/tables");
  return (
    <div class="data">
      <RowsOverTime run={run} />
      <Show of={loaded}>{({ tables }) => <Tables run={run} tables={tables} />}</Show>
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
      <Plot of={plot} />
    </section>
  );
}

const plotOf = ({ times, lines }: RowsView): PlotLines => ({
  x: times.map((time) => time / 1000),
  xName: "time",
  isTime: true,
  lines: lines.map(({ name, rows }) => ({ name, values: rows })),
});

type TablesProps = { readonly run: RunBrief; readonly tables: readonly TableView[] };

function Tables({ run, tables }: TablesProps) {
  if (tables.length === 0) {
    return (
      <Empty title="No tables yet">
        <p>
          A task writes rows with <code>ctx.upsert("table", rows)</code>.
        </p>
      </Empty>
    );
  }
  const hasWrites = tables.some(({ lastWrite }) => lastWrite !== null);
  const isOwn = ({ lastWrite }: TableView): boolean => lastWrite?.run === run.id;
  const sorted = tables.toSorted((a, b) => Number(isOwn(b)) - Number(isOwn(a)));
  return (
    <section class="card scroll-x" aria-label="tables">
      <table>
        <thead>
          <tr>
            <th>Table</th>
            <th class="number">Rows</th>
            {hasWrites ? <th>Last written</th> : null}
            <th>Columns</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((table) => (
            <tr key={table.name}>
              <td>
                <TableName name={table.name} />
              </td>
              <td class="number">
                {table.rows === null ? (
                  <span class="soft" title="counting them takes too long">
                    many
                  </span>
                ) : (
                  count(table.rows)
                )}
              </td>
              {hasWrites ? (
                <td>
                  <LastWrite run={run} of={table.lastWrite} />
                </td>
              ) : null}
              <td class="soft">{table.columns.map(({ name }) => name).join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const TableName = ({ name }: { readonly name: string }) =>
  isReport ? (
    <>{name}</>
  ) : (
    <button type="button" class="link" onClick={() => show(name)}>
      {name}
    </button>
  );

type LastWriteProps = { readonly run: RunBrief; readonly of: TableView["lastWrite"] };

function LastWrite({ run, of }: LastWriteProps) {
  if (of === null) return <span class="soft">not known</span>;
  const isOwn = of.run === run.id;
  return (
    <>
      {isOwn || isReport ? (
        `${isOwn ? "this run" : `run ${of.run}`}`
      ) : (
        <a href={hrefOf(`/runs/${of.run}`)}>run {of.run}</a>
      )}
      <span class="soft">
        , {of.definition}, {ago(of.at, Date.now())}
      </span>
    </>
  );
}

const show = (table: string): void =>
  go(withParams({ sql: `SELECT * FROM "${table.replaceAll('"', '""')}" LIMIT 100` }));
