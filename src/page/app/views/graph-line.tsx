// A line of the graph: how many tasks it joins, and how far those at its beginning are.

import type { DefinitionSummary, DrawnEdge, DrawnNode } from "../../contract.ts";
import { count } from "../format.ts";

/** Of what the line comes from. */
type Flow = "waiting" | "running" | "done" | "error";

const flows: readonly Flow[] = ["waiting", "running", "done", "error"];

export const Arrows = () => (
  <defs>
    {flows.map((flow) => (
      <marker
        key={flow}
        id={`arrow-${flow}`}
        viewBox="0 0 8 8"
        refX="8"
        refY="4"
        markerWidth="8"
        markerHeight="8"
        markerUnits="userSpaceOnUse"
        orient="auto"
      >
        <path d="M0 0 8 4 0 8z" class={`arrow ${flow}`} />
      </marker>
    ))}
  </defs>
);

type Props = {
  readonly edge: DrawnEdge;
  readonly source: DrawnNode | undefined;
  /** Undefined: no task of the source has begun, it is not known yet, or it is a fan-out. */
  readonly summary: DefinitionSummary | undefined;
  readonly isFaint: boolean;
};

export function GraphLine({ edge, source, summary, isFaint }: Props) {
  const { from, to, points, kind, count: tasks } = edge;
  const flow = flowOf(source, summary);
  // The middle of the line: of an even number of points, between two of them.
  const middle = points[points.length >> 1];
  const before = points[(points.length - 1) >> 1];
  return (
    <g class={`edge ${kind} ${flow} ${isFaint ? "faint" : ""}`} aria-hidden="true">
      <title>{`${source?.kind === "each" ? "fan-out" : from} → ${to}: ${flow}`}</title>
      <path d={pathThrough(points)} marker-end={`url(#arrow-${flow})`} />
      {tasks > 1 && middle !== undefined && before !== undefined ? (
        <text
          x={(middle[0] + before[0]) / 2}
          y={(middle[1] + before[1]) / 2 - 6}
          text-anchor="middle"
        >
          {labelOf(edge, source, summary)}
        </text>
      ) : null}
    </g>
  );
}

function flowOf(source: DrawnNode | undefined, summary: DefinitionSummary | undefined): Flow {
  if (source === undefined) return "waiting";
  // Its items are known when what it fans out is done.
  if (source.kind === "each") return source.planned > 0 ? "done" : "waiting";
  if (summary === undefined) return "waiting";
  const { done, skipped, cancelled, error, interrupted, running } = summary.counts;
  if (error + interrupted > 0) return "error";
  if (done + skipped + cancelled >= source.planned) return "done";
  return done + skipped + cancelled + running > 0 ? "running" : "waiting";
}

/** `54 of 60` where each task of the source is read once; else only how many. */
function labelOf(
  edge: DrawnEdge,
  source: DrawnNode | undefined,
  summary: DefinitionSummary | undefined,
): string {
  const done = summary?.counts.done ?? 0;
  const isEachOnce = source?.kind === "task" && source.planned === edge.count;
  return isEachOnce && done < edge.count && done > 0
    ? `${count(done)} of ${count(edge.count)}`
    : count(edge.count);
}

/** A curve that begins and ends in the direction of the flow. */
function pathThrough(points: readonly (readonly [number, number])[]): string {
  const [first, ...others] = points;
  if (first === undefined) return "";
  let [x, y] = first;
  let path = `M${x} ${y}`;
  for (const [nextX, nextY] of others) {
    const middle = (x + nextX) / 2;
    path += `C${middle} ${y} ${middle} ${nextY} ${nextX} ${nextY}`;
    [x, y] = [nextX, nextY];
  }
  return path;
}
