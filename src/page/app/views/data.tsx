// The tables of the database, and SQL that reads them.

import type { TablesView, TableView } from "../../contract.ts";
import { count } from "../format.ts";
import { Empty, Show } from "../parts/states.tsx";
import { go, withParams } from "../router.ts";
import { isReport } from "../source.ts";
import { useData } from "../use-data.ts";
import { SqlBox } from "./sql-box.tsx";

export function Data() {
  const loaded = useData<TablesView>("/data/tables");
  return (
    <div class="data">
      <Show of={loaded}>{({ tables }) => <Tables tables={tables} />}</Show>
      {isReport ? null : <SqlBox />}
    </div>
  );
}

const Tables = ({ tables }: { readonly tables: readonly TableView[] }) =>
  tables.length === 0 ? (
    <Empty title="No tables yet">
      <p>
        A task writes rows with <code>ctx.upsert("table", rows)</code>.
      </p>
    </Empty>
  ) : (
    <div class="card scroll-x">
      <table>
        <thead>
          <tr>
            <th>Table</th>
            <th class="number">Rows</th>
            <th>Columns</th>
          </tr>
        </thead>
        <tbody>
          {tables.map((table) => (
            <tr key={table.name}>
              <td>
                {isReport ? (
                  table.name
                ) : (
                  <button type="button" class="link" onClick={() => show(table.name)}>
                    {table.name}
                  </button>
                )}
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
              <td class="soft">{table.columns.map(({ name }) => name).join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );

const show = (table: string): void =>
  go(withParams({ sql: `SELECT * FROM "${table.replaceAll('"', '""')}" LIMIT 100` }));
