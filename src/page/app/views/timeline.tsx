// When a run's tasks ran: by worker or by definition.

import type { RunBrief, TimelineView } from "../../contract.ts";
import { count, counted, duration, time } from "../format.ts";
import { Empty, Reading, Show } from "../parts/states.tsx";
import { go, hrefOf, param, searchOf, withParams } from "../router.ts";
import { isReport } from "../source.ts";
import { askedStatus, Chart, isFailedOnly, rowHref } from "../timeline/chart.tsx";
import { type Range, Scale, zoomed } from "../timeline/scale.ts";
import { useShownRange } from "../timeline/shown-range.ts";
import { useData } from "../use-data.ts";

/** What the address has beside the window. A report has only the two ways to look at all. */
function pathOf(run: number): string {
  const asked = searchOf(isReport ? [] : ["from", "to", "failed", "squeeze"]);
  asked.set("by", byNow());
  return `/data/runs/${run}/timeline?${asked.toString()}`;
}

const byNow = (): "worker" | "definition" =>
  param("by") === "definition" ? "definition" : "worker";

export function Timeline({ run }: { readonly run: RunBrief }) {
  const loaded = useData<TimelineView>(pathOf(run.id), { isGrowing: run.status === "running" });
  const [wanted, show] = useShownRange();
  // A window that is on its way is seen at once, from what is there: nothing is to be dimmed.
  const shown = loaded.type === "ready" ? { ...loaded, isOld: false } : loaded;
  return (
    <section class="timeline-view" aria-label="timeline">
      <Show of={shown}>
        {(view) => (
          <>
            <Controls run={run.id} view={view} wanted={wanted} show={show} />
            <Reading of={view} />
            {view.rows.length === 0 ? (
              <Nothing run={run} />
            ) : (
              <>
                <Chart
                  run={run.id}
                  view={view}
                  shown={wanted ?? { from: view.from, to: view.to }}
                  show={show}
                  open={run.status === "interrupted" ? "interrupted" : "running"}
                />
                <Notes view={view} status={run.status} />
                <Numbers run={run.id} view={view} />
              </>
            )}
          </>
        )}
      </Show>
    </section>
  );
}

function Nothing({ run }: { readonly run: RunBrief }) {
  if (isFailedOnly())
    return (
      <Empty title="No task has failed">
        <a href={hrefOf(withParams({ failed: null }))}>Show all tasks</a>
      </Empty>
    );
  if (run.status === "running")
    return (
      <Empty title="No task has begun yet">
        <p>Each task appears here when it begins.</p>
      </Empty>
    );
  return (
    <Empty title="No task has begun in this run">
      {run.total === 0 ? (
        <p>It has no tasks.</p>
      ) : (
        <p>
          <a href={hrefOf(`/runs/${run.id}/tasks`)}>Its tasks</a> say why.
        </p>
      )}
    </Empty>
  );
}

type ControlProps = {
  readonly run: number;
  readonly view: TimelineView;
  readonly wanted: Range | null;
  readonly show: (range: Range | null) => void;
};

function Controls({ run, view, wanted, show }: ControlProps) {
  const zoom = (factor: number): void => {
    const scale = new Scale(view, wanted ?? view, 1);
    show(zoomed(scale, 0.5, factor, { from: view.first, to: view.last }));
  };
  return (
    <div class="toolbar">
      <div class="segments" role="group" aria-label="rows">
        <Segment name="by" value={null} text="Workers" isOn={byNow() === "worker"} />
        <Segment name="by" value="definition" text="Definitions" isOn={byNow() === "definition"} />
      </div>
      {isReport ? null : <Filters view={view} />}
      <div class="segments" role="group" aria-label="zoom">
        <button
          type="button"
          onClick={() => zoom(2)}
          aria-label="zoom out"
          disabled={wanted === null}
        >
          −
        </button>
        <button type="button" onClick={() => zoom(0.5)} aria-label="zoom in">
          +
        </button>
        <button type="button" onClick={() => show(null)} disabled={wanted === null}>
          Whole run
        </button>
      </div>
      {wanted === null ? null : <Window run={run} view={view} wanted={wanted} />}
    </div>
  );
}

type SegmentProps = {
  readonly name: string;
  readonly value: string | null;
  readonly text: string;
  readonly isOn: boolean;
};

const Segment = ({ name, value, text, isOn }: SegmentProps) => (
  <button type="button" aria-pressed={isOn} onClick={() => go(withParams({ [name]: value }))}>
    {text}
  </button>
);

function Filters({ view }: { readonly view: TimelineView }) {
  const isFailed = isFailedOnly();
  const isSqueezed = param("squeeze") !== "0";
  const hasIdle = !isSqueezed || view.pieces.some(({ isIdle }) => isIdle);
  return (
    <div class="segments" role="group" aria-label="filters">
      <Segment name="failed" value={isFailed ? null : "1"} text="Failed only" isOn={isFailed} />
      {hasIdle ? (
        <Segment
          name="squeeze"
          value={isSqueezed ? "0" : null}
          text="Squeeze idle times"
          isOn={isSqueezed}
        />
      ) : null}
    </div>
  );
}

/** What is shown, in words, and the tasks in it. */
function Window({
  run,
  view,
  wanted,
}: Pick<ControlProps, "run" | "view"> & { readonly wanted: Range }) {
  const { from, to } = wanted;
  const asked = new URLSearchParams({ from: String(from), to: String(to), ...askedStatus() });
  const isThere = view.from === from && view.to === to;
  return (
    <span class="soft">
      {duration(to - from)}, from {duration(Math.max(0, from - view.first))} on ·{" "}
      <a href={hrefOf(`/runs/${run}/tasks?${asked.toString()}`)}>
        {isThere ? counted(view.tasks, "task") : "its tasks"}
      </a>
    </span>
  );
}

const Key = ({ of, text }: { readonly of: string; readonly text: string }) => (
  <span>
    <i class={of} />
    {text}
  </span>
);

const Notes = ({
  view,
  status,
}: {
  readonly view: TimelineView;
  readonly status: RunBrief["status"];
}) => (
  <p class="timeline-notes soft">
    <Key of="done" text="done" />
    <Key of="error" text="failed" />
    {status === "running" || status === "interrupted" ? <Key of={status} text={status} /> : null}
    {view.isBehind ? <span>As of {time(view.asOf)}: the run is faster.</span> : null}
    {view.moreRows > 0 ? <span>{count(view.moreRows)} further rows are not shown.</span> : null}
    {view.isCut ? <span>Some tasks are left out: their rows are damaged, or too many.</span> : null}
    <span class="timeline-hint">
      Drag to see a range larger · Ctrl + wheel, + and − zoom · arrow keys move · click opens a task
    </span>
  </p>
);

/** The same for who does not see the picture, and for exact numbers. */
function Numbers({ run, view }: { readonly run: number; readonly view: TimelineView }) {
  const idleMs = view.pieces.reduce(
    (sum, { from, to, isIdle }) => sum + (isIdle ? to - from : 0),
    0,
  );
  const ms = Math.max(view.to - view.from - idleMs, 1);
  return (
    <details class="timeline-numbers">
      <summary>As a table</summary>
      <div class="card scroll-x">
        <table>
          <thead>
            <tr>
              <th>{view.by === "worker" ? "Worker" : "Definition"}</th>
              <th class="number">Tasks</th>
              <th class="number">Failed</th>
              <th class="number">Busy</th>
              <th class="number">At once, on average</th>
            </tr>
          </thead>
          <tbody>
            {view.rows.map((row) => (
              <tr key={`${row.machine} ${row.key}`}>
                <td>
                  <a href={rowHref(run, view, row)}>
                    {row.machine ?? row.key ?? "not known"} {row.thread}
                  </a>
                </td>
                <td class="number">{count(row.tasks)}</td>
                <td class={`number ${row.failed > 0 ? "status error" : ""}`}>
                  {count(row.failed)}
                </td>
                <td class="number">{duration(row.busyMs)}</td>
                <td class="number">{(row.busyMs / ms).toFixed(2)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
