// Two runs side by side: how long they took, with which params, definition by definition, and what was edited in between.

import type { ComponentChildren } from "preact";

import type { CompareView } from "../../contract-runs.ts";
import type { DefinitionsView, DefinitionSummary, RunBrief } from "../../contract.ts";
import { count, duration, time } from "../format.ts";
import { changed } from "../live.ts";
import { DurationChange, Edits } from "../parts/changes.tsx";
import { Empty, Show } from "../parts/states.tsx";
import { CountsBar, countsText, Status } from "../parts/status.tsx";
import { hrefOf, param } from "../router.ts";
import { tookMs } from "../took.ts";
import { useData } from "../use-data.ts";

export function Compare() {
  const [a, b] = [param("a"), param("b")];
  if (a === null || b === null) {
    return (
      <main>
        <Empty title="Which two runs?">
          <p>
            Select two in the <a href={hrefOf("/runs")}>list of runs</a>.
          </p>
        </Empty>
      </main>
    );
  }
  return (
    <Loaded key={`${a} ${b}`} query={`a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`} />
  );
}

function Loaded({ query }: { readonly query: string }) {
  const loaded = useData<CompareView>(`/data/compare?${query}`);
  return (
    <main class="compare">
      <Show of={loaded}>
        {(view) => {
          const a = changed.value.get(view.a.id) ?? view.a;
          const b = changed.value.get(view.b.id) ?? view.b;
          return (
            <div class="stack">
              <h1>
                Runs {a.id} and {b.id}
              </h1>
              <div class="compare-heads">
                <Head run={a} />
                <a
                  class="button swap"
                  href={hrefOf(`/compare?a=${b.id}&b=${a.id}`)}
                  aria-label="swap the runs"
                  title="swap"
                >
                  ⇄
                </a>
                <Head run={b} before={a} />
              </div>
              <Params a={a} b={b} params={view.params} />
              <Definitions a={a} b={b} edits={view.edits} />
              <Edits a={a.id} b={b.id} edits={view.edits} />
            </div>
          );
        }}
      </Show>
    </main>
  );
}

const Head = ({
  run,
  before,
}: {
  readonly run: RunBrief;
  readonly before?: RunBrief | undefined;
}) => (
  <section class="card" aria-label={`run ${run.id}`}>
    <h2>
      <a href={hrefOf(`/runs/${run.id}`)}>Run {run.id}</a> <small>{run.pipeline}</small>
    </h2>
    <p>
      <Status of={run.status} /> <span class="soft">{time(run.startedAt)}</span>
    </p>
    <Took run={run} before={before} />
    <CountsBar counts={run.counts} total={run.total ?? 0} />
    <small>{countsText(run.counts) || "no tasks"}</small>
  </section>
);

function Took({ run, before }: { readonly run: RunBrief; readonly before: RunBrief | undefined }) {
  const ms = tookMs(run);
  if (ms === null) return <p class="soft">nobody knows how long</p>;
  return (
    <p>
      <strong>{duration(ms)}</strong>{" "}
      {before === undefined ? null : <DurationChange from={tookMs(before)} to={ms} />}
    </p>
  );
}

function Params({ a, b, params }: Sides & Pick<CompareView, "params">) {
  const [before, after] = [paramsIn(params.a), paramsIn(params.b)];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const different = names.filter((name) => before[name] !== after[name]);
  const same = names.length - different.length;
  if (different.length === 0) {
    return <p class="soft">{same === 0 ? "Neither has params." : `The same params (${same}).`}</p>;
  }
  return (
    <>
      <h2>Params</h2>
      <Table heads={["Param", `Run ${a.id}`, `Run ${b.id}`]}>
        {different.map((name) => (
          <tr key={name}>
            <td>{name}</td>
            <td class="mono">{before[name] ?? <span class="soft">not there</span>}</td>
            <td class="mono">{after[name] ?? <span class="soft">not there</span>}</td>
          </tr>
        ))}
      </Table>
      {same === 0 ? null : (
        <p class="soft">{same === 1 ? "One more is" : `${same} more are`} the same.</p>
      )}
    </>
  );
}

/** JSON texts by name. */
function paramsIn(json: string): Readonly<Record<string, string | undefined>> {
  try {
    const entries = Object.entries(JSON.parse(json) as object);
    return Object.fromEntries(entries.map(([name, value]) => [name, JSON.stringify(value)]));
  } catch {
    return {};
  }
}

const Table = ({
  heads,
  children,
}: {
  readonly heads: readonly string[];
  readonly children: ComponentChildren;
}) => (
  <div class="card scroll-x">
    <table>
      <thead>
        <tr>
          {heads.map((head, index) => (
            <th key={index} class={index > 0 && heads.length > 3 ? "number" : ""}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
);

type Sides = { readonly a: RunBrief; readonly b: RunBrief };

function Definitions({ a, b, edits }: Sides & Pick<CompareView, "edits">) {
  const before = useData<DefinitionsView>(`/data/runs/${a.id}/definitions`);
  const after = useData<DefinitionsView>(`/data/runs/${b.id}/definitions`);
  return (
    <>
      <h2>Tasks</h2>
      <Show of={before}>
        {(left) => (
          <Show of={after}>
            {(right) => <DefinitionTable left={left} right={right} edits={edits} />}
          </Show>
        )}
      </Show>
    </>
  );
}

const heads = ["Task", "Tasks", "Failed", "Rows", "Median", "Change", "95 % within", "Change"];

function DefinitionTable({
  left,
  right,
  edits,
}: {
  readonly left: DefinitionsView;
  readonly right: DefinitionsView;
} & Pick<CompareView, "edits">) {
  const edited = new Set(edits?.filter(({ kind }) => kind === "changed").map(({ name }) => name));
  return (
    <>
      {left.isComplete && right.isComplete ? null : (
        <p class="soft" role="status">
          Reading tasks: {count(left.indexed + right.indexed)} so far. The figures are of these.
        </p>
      )}
      <Table heads={heads}>
        {namesIn(left, right).map((name) => (
          <DefinitionRow
            key={name}
            name={name}
            before={left.definitions.find((each) => each.name === name)}
            after={right.definitions.find((each) => each.name === name)}
            isEdited={edited.has(name)}
          />
        ))}
      </Table>
    </>
  );
}

const namesIn = (left: DefinitionsView, right: DefinitionsView): readonly string[] => [
  ...new Set([...left.definitions, ...right.definitions].map(({ name }) => name)),
];

type RowProps = {
  readonly name: string;
  readonly before: DefinitionSummary | undefined;
  readonly after: DefinitionSummary | undefined;
  readonly isEdited: boolean;
};

const DefinitionRow = ({ name, before, after, isEdited }: RowProps) => (
  <tr>
    <td>
      {name} {isEdited ? <small>edited</small> : null}
    </td>
    <Pair before={before?.tasks} after={after?.tasks} show={count} />
    <Pair before={before?.counts.error} after={after?.counts.error} show={count} isZeroSoft />
    <Pair before={before?.rows} after={after?.rows} show={count} />
    <Pair before={before?.medianMs} after={after?.medianMs} show={duration} />
    <td class="number">
      <DurationChange from={before?.medianMs} to={after?.medianMs} />
    </td>
    <Pair before={before?.p95Ms} after={after?.p95Ms} show={duration} />
    <td class="number">
      <DurationChange from={before?.p95Ms} to={after?.p95Ms} />
    </td>
  </tr>
);

type PairProps = {
  readonly before: number | null | undefined;
  readonly after: number | null | undefined;
  readonly show: (value: number) => string;
  readonly isZeroSoft?: boolean;
};

/** Both values; one where they are shown alike. */
function Pair({ before, after, show, isZeroSoft = false }: PairProps) {
  const [left, right] = [before, after].map((value) =>
    value === null || value === undefined ? "–" : show(value),
  );
  const isSoft = left === right && (left === "–" || (isZeroSoft && left === "0"));
  return (
    <td class={`number ${isSoft ? "soft" : ""}`}>
      {left === right ? (
        left
      ) : (
        <>
          <span class="soft">{left} →</span> {right}
        </>
      )}
    </td>
  );
}
