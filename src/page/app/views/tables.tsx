// The tables of the database. Those that the run has written are first, where the file knows it.

import type { RunBrief } from "../../contract.ts";
import type { TableView } from "../../contract-data.ts";
import { ago, count } from "../format.ts";
import { Empty } from "../parts/states.tsx";
import { go, hrefOf, withParams } from "../router.ts";
import { isReport } from "../source.ts";

type TablesProps = { readonly run: RunBrief; readonly tables: readonly TableView[] };

export function Tables({ run, tables }: TablesProps) {
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
  return (
    <section class="card scroll-x" aria-label="tables">
      <table>
        <thead>
          <tr>
            <th>Table</th>
            <th class="number">Rows</th>
            {hasWrites ? <th>Last written by</th> : null}
            <th>Columns</th>
          </tr>
        </thead>
        <tbody>
          {tables
            .toSorted((a, b) => Number(isOwn(b)) - Number(isOwn(a)))
            .map((table) => (
              <Row key={table.name} table={table} run={run} hasWrites={hasWrites} />
            ))}
        </tbody>
      </table>
    </section>
  );
}

type RowProps = {
  readonly table: TableView;
  readonly run: RunBrief;
  readonly hasWrites: boolean;
};

const Row = ({ table: { name, rows, columns, problem, lastWrite }, run, hasWrites }: RowProps) => (
  <tr>
    <td>
      <TableName name={name} />
    </td>
    <td class="number">
      {problem !== null ? (
        "–"
      ) : rows === null ? (
        <span class="soft" title="counting them takes too long">
          many
        </span>
      ) : (
        count(rows)
      )}
    </td>
    {hasWrites ? (
      <td>
        <LastWrite run={run} of={lastWrite} />
      </td>
    ) : null}
    <td class="soft">{problem ?? columns.map((column) => column.name).join(", ")}</td>
  </tr>
);

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
  const name = of.run === run.id ? "this run" : `run ${of.run}`;
  const hasLink = of.run !== run.id && !isReport;
  return (
    <>
      {hasLink ? <a href={hrefOf(`/runs/${of.run}`)}>{name}</a> : name}
      <span class="soft">
        , {of.definition}, {ago(of.at, Date.now())}
      </span>
    </>
  );
}

const show = (table: string): void =>
  go(withParams({ sql: `SELECT * FROM "${table.replaceAll('"', '""')}" LIMIT 100` }));
