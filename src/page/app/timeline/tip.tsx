// What is under the pointer: a task, tasks in a part of the axis, or a time when nothing ran.

import { useEffect, useState } from "preact/hooks";

import type { TaskBrief, TasksView } from "../../contract.ts";
import { count, duration, time } from "../format.ts";
import { Status } from "../parts/status.tsx";
import { get } from "../source.ts";
import type { Point } from "./scale.ts";
import type { Hit } from "./layout.ts";

type Props = {
  readonly run: number;
  readonly hit: Hit;
  readonly at: Point;
  readonly width: number;
  readonly first: number;
};

const tipWidth = 280;

export function Tip({ run, hit, at, width, first }: Props) {
  const left = Math.min(Math.max(0, at.x + 14), Math.max(0, width - tipWidth));
  return (
    <div class="timeline-tip" style={{ left: `${left}px`, top: `${at.y + 18}px` }}>
      {hit.type === "task" ? <TaskTip run={run} hit={hit} first={first} /> : null}
      {hit.type === "bucket" ? (
        <>
          <b>
            {count(hit.tasks)} {hit.tasks === 1 ? "task" : "tasks"}
          </b>
          {hit.failed > 0 ? <span class="status error">{count(hit.failed)} failed</span> : null}
          <small>
            from {duration(Math.max(0, hit.from - first))}, for {duration(hit.to - hit.from)}
          </small>
          <small>Click to see it larger</small>
        </>
      ) : null}
      {hit.type === "idle" ? (
        <>
          <b>Nothing ran for {duration(hit.to - hit.from)}</b>
          <small>until {time(hit.to)}</small>
        </>
      ) : null}
    </div>
  );
}

function TaskTip({
  run,
  hit,
  first,
}: Pick<Props, "run" | "first"> & { readonly hit: Extract<Hit, { type: "task" }> }) {
  const [id, started, ended, status] = hit.span;
  const brief = useBrief(run, id);
  return (
    <>
      <b>
        {brief === undefined ? "" : brief.name} <small>#{id}</small>
      </b>
      {brief?.label === null || brief === undefined ? null : <span class="cut">{brief.label}</span>}
      <span>
        <Status of={status} /> {duration(ended - started)}
        {brief !== undefined && brief.attempt > 1 ? `, attempt ${brief.attempt}` : ""}
      </span>
      {brief?.error === null || brief === undefined ? null : (
        <span class="tip-error">{brief.error}</span>
      )}
      <small>from {duration(Math.max(0, started - first))}</small>
    </>
  );
}

/** A pointer that passes by asks nothing. */
const restMs = 60;

/** Undefined: it is on its way, or a report does not have it. */
function useBrief(run: number, id: number): TaskBrief | undefined {
  const [known, setKnown] = useState<TaskBrief>();
  useEffect(() => {
    const control = new AbortController();
    const timer = setTimeout(() => {
      get<TasksView>(`/data/runs/${run}/tasks?id=${id}`, control.signal).then(
        ({ tasks: [brief] }) => setKnown(brief),
        () => {},
      );
    }, restMs);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [run, id]);
  return known?.id === id ? known : undefined;
}
