// SQL that reads, with its rows as a table or a plot.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { SqlAnswer } from "../../contract-data.ts";
import { counted } from "../format.ts";
import { Plot } from "../parts/plot.tsx";
import { Empty, Failed } from "../parts/states.tsx";
import { go, param, withParams } from "../router.ts";
import { asSourceError, post, type SourceError } from "../source.ts";
import { plotOf } from "../sql-plot.ts";
import { parseRows, type SqlRows } from "../sql-rows.ts";

type Result =
  | { readonly type: "none" }
  | { readonly type: "running" }
  | { readonly type: "rows"; readonly rows: SqlRows; readonly answer: SqlAnswer }
  | { readonly type: "failed"; readonly error: SourceError };

/** The SQL is in the address: a table that is clicked sets it, and so does the back button. */
export function SqlBox() {
  const sql = param("sql") ?? "";
  const { result, run, stop } = useSql(sql);
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    // The table that was clicked is above, its rows may be below the edge.
    if (result.type === "rows") box.current?.scrollIntoView({ block: "nearest" });
  }, [result.type]);
  return (
    <section class="card sql" aria-label="SQL" ref={box}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const typed = String(new FormData(event.currentTarget).get("sql") ?? "");
          if (typed === sql) run(sql);
          else go(withParams({ sql: typed }));
        }}
      >
        <Editor key={sql} sql={sql} />
        <div class="toolbar">
          <button type="submit" class="primary">
            Run
          </button>
          {result.type === "running" ? (
            <button type="button" onClick={stop}>
              Stop
            </button>
          ) : null}
          <span class="soft">Ctrl-Enter runs it. It may only read, for 30 s at most.</span>
        </div>
      </form>
      <Rows of={result} />
    </section>
  );
}

const Editor = ({ sql }: { readonly sql: string }) => (
  <textarea
    name="sql"
    rows={4}
    spellcheck={false}
    aria-label="SQL that reads"
    placeholder="SELECT … FROM …"
    defaultValue={sql}
    onKeyDown={(event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      event.currentTarget.form?.requestSubmit();
    }}
  />
);

type Sql = {
  readonly result: Result;
  readonly run: (sql: string) => void;
  readonly stop: () => void;
};

function useSql(sql: string): Sql {
  const [result, setResult] = useState<Result>({ type: "none" });
  const control = useRef(new AbortController());
  const stop = (): void => {
    control.current.abort();
    setResult({ type: "none" });
  };
  const load = async (text: string, { signal }: AbortController): Promise<void> => {
    const outcome = await outcomeOf(text, signal);
    if (!signal.aborted) setResult(outcome);
  };
  const run = (text: string): void => {
    control.current.abort();
    control.current = new AbortController();
    setResult({ type: "running" });
    void load(text, control.current);
  };
  useEffect(() => {
    if (sql === "") stop();
    else run(sql);
    return () => control.current.abort();
  }, [sql]);
  return { result, run, stop };
}

async function outcomeOf(sql: string, signal: AbortSignal): Promise<Result> {
  try {
    const answer = await post<SqlAnswer>("/data/sql", { sql }, signal);
    return { type: "rows", rows: parseRows(answer.lines), answer };
  } catch (thrown) {
    return { type: "failed", error: asSourceError(thrown) };
  }
}

function Rows({ of }: { readonly of: Result }) {
  const [isPlot, setPlot] = useState(false);
  switch (of.type) {
    case "none":
      return null;
    case "running":
      return <div class="loading" role="status" aria-label="running" />;
    case "failed":
      return <Failed error={of.error} />;
    case "rows":
      return (
        <>
          <div class="toolbar sql-result">
            <span>
              {of.answer.isCut ? "the first " : ""}
              {counted(of.rows.rows.length, "row")}
              <span class="soft"> in {Math.round(of.answer.tookMs)} ms</span>
            </span>
            <button type="button" aria-pressed={isPlot} onClick={() => setPlot(!isPlot)}>
              {isPlot ? "Table" : "Plot"}
            </button>
          </div>
          {isPlot ? <RowsPlot rows={of.rows} /> : <RowsTable rows={of.rows} />}
        </>
      );
  }
}

function RowsPlot({ rows }: { readonly rows: SqlRows }) {
  const plot = useMemo(() => plotOf(rows), [rows]);
  if (plot.lines.length > 0) return <Plot of={plot} height={320} />;
  return (
    <Empty title="Nothing to plot">
      <p>A plot needs a first column for the x axis, and a column of numbers after it.</p>
    </Empty>
  );
}

const RowsTable = ({ rows: { columns, rows, numeric } }: { readonly rows: SqlRows }) => (
  <div class="scroll-x sql-rows">
    <table>
      <thead>
        <tr>
          {columns.map((name) => (
            <th key={name} class={numeric.has(name) ? "number" : ""}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {columns.map((name) => (
              <td key={name} class={numeric.has(name) ? "number" : ""}>
                {row[name] === null ? (
                  <span class="soft">NULL</span>
                ) : (
                  <span class="cut" title={String(row[name])}>
                    {String(row[name])}
                  </span>
                )}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);
