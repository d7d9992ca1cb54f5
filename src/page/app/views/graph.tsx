// The task definitions of a run and what they depend on, with how far each has come. A fan-out is one box.

import { useState } from "preact/hooks";

import type {
  DefinitionsView,
  DefinitionSummary,
  DrawnEdge,
  DrawnGraph,
  DrawnNode,
  RunBrief,
} from "../../contract.ts";
import { count, duration } from "../format.ts";
import { Empty, Show } from "../parts/states.tsx";
import { countsText, statuses } from "../parts/status.tsx";
import { go, hrefOf } from "../router.ts";
import { useData } from "../use-data.ts";

export function Graph({ run }: { readonly run: RunBrief }) {
  const loaded = useData<DrawnGraph>(`/data/runs/${run.id}/graph`);
  return (
    <Show of={loaded}>
      {(graph) =>
        graph.nodes.length === 0 ? (
          <Empty title="The graph of this run is not stored">
            <p>An earlier version of pipeloom ran it, or it has not begun.</p>
          </Empty>
        ) : (
          <Drawing graph={graph} run={run} />
        )
      }
    </Show>
  );
}

const zooms = [0.5, 0.75, 1, 1.5];

function Drawing({ graph, run }: { readonly graph: DrawnGraph; readonly run: RunBrief }) {
  const [zoom, setZoom] = useState(1);
  const [marked, setMarked] = useState<string | null>(null);
  const near = marked === null ? null : neighbours(graph.edges, marked);
  const loaded = useData<DefinitionsView>(`/data/runs/${run.id}/definitions`);
  const summaries = new Map(
    loaded.type === "ready" ? loaded.data.definitions.map((each) => [each.name, each]) : [],
  );
  return (
    <section class="card" aria-label="graph">
      <Tools zoom={zoom} setZoom={setZoom} isCut={graph.isCut} />
      <div class="graph scroll-x">
        <svg
          width={graph.width * zoom}
          height={graph.height * zoom}
          viewBox={`0 0 ${graph.width} ${graph.height}`}
          role="group"
          aria-label={`${graph.nodes.length} boxes, ${graph.edges.length} lines`}
        >
          <Arrow />
          {graph.edges.map((edge) => (
            <Line
              key={`${edge.from} ${edge.to}`}
              edge={edge}
              isFaint={marked !== null && edge.from !== marked && edge.to !== marked}
            />
          ))}
          {graph.nodes.map((node) => (
            <Box
              key={node.id}
              node={node}
              summary={summaries.get(node.id)}
              run={run}
              isFaint={near !== null && !near.has(node.id)}
              mark={setMarked}
            />
          ))}
        </svg>
      </div>
    </section>
  );
}

type ToolsProps = {
  readonly zoom: number;
  readonly setZoom: (zoom: number) => void;
  readonly isCut: boolean;
};

const Tools = ({ zoom, setZoom, isCut }: ToolsProps) => (
  <div class="graph-tools toolbar">
    {zooms.map((each) => (
      <button
        key={each}
        type="button"
        class="plain"
        aria-pressed={zoom === each}
        onClick={() => setZoom(each)}
      >
        {each * 100} %
      </button>
    ))}
    <span class="soft">
      Solid lines carry results, dashed ones only wait.
      {isCut ? " Only the first definitions are drawn." : ""}
    </span>
  </div>
);

function neighbours(edges: readonly DrawnEdge[], id: string): ReadonlySet<string> {
  const near = new Set([id]);
  for (const { from, to } of edges) {
    if (from === id) near.add(to);
    if (to === id) near.add(from);
  }
  return near;
}

const Arrow = () => (
  <defs>
    <marker
      id="arrow"
      viewBox="0 0 8 8"
      refX="8"
      refY="4"
      markerWidth="7"
      markerHeight="7"
      orient="auto"
    >
      <path d="M0 0 8 4 0 8z" class="arrow" />
    </marker>
  </defs>
);

type LineProps = { readonly edge: DrawnEdge; readonly isFaint: boolean };

function Line({ edge: { points, kind, count: tasks }, isFaint }: LineProps) {
  const middle = points[points.length >> 1];
  return (
    <g class={`edge ${kind} ${isFaint ? "faint" : ""}`}>
      <path d={pathThrough(points)} marker-end="url(#arrow)" />
      {tasks > 1 && middle !== undefined ? (
        <text x={middle[0]} y={middle[1] - 6} text-anchor="middle">
          {count(tasks)}
        </text>
      ) : null}
    </g>
  );
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

type BoxProps = {
  readonly node: DrawnNode;
  /** Undefined: no task of the definition has begun, or it is not known yet. */
  readonly summary: DefinitionSummary | undefined;
  readonly run: RunBrief;
  readonly isFaint: boolean;
  readonly mark: (id: string | null) => void;
};

function Box({ node, summary, run, isFaint, mark }: BoxProps) {
  if (node.kind === "each") return <FanOut node={node} isFaint={isFaint} />;
  const path = `/runs/${run.id}/tasks?${new URLSearchParams({ definition: node.id })}`;
  return (
    <a
      href={hrefOf(path)}
      class={`node task ${isFaint ? "faint" : ""}`}
      onMouseEnter={() => mark(node.id)}
      onMouseLeave={() => mark(null)}
      onFocus={() => mark(node.id)}
      onBlur={() => mark(null)}
      onClick={(event) => {
        // The link of an SVG is no HTMLAnchorElement.
        event.preventDefault();
        go(path);
      }}
    >
      <title>
        {node.id}: {summary === undefined ? "nothing yet" : countsText(summary.counts)}
      </title>
      <rect {...placeOf(node)} rx="8" />
      <text class="name" x={node.x + 14} y={node.y + 24}>
        {cutMiddle(node.id, 24)}
      </text>
      <text class="more" x={node.x + 14} y={node.y + 43}>
        {aboutTasks(node, summary)}
      </text>
      {summary === undefined ? null : <Bar node={node} summary={summary} />}
    </a>
  );
}

const placeOf = ({ x, y, width, height }: DrawnNode) => ({ x, y, width, height });

type FanOutProps = { readonly node: DrawnNode; readonly isFaint: boolean };

const FanOut = ({ node, isFaint }: FanOutProps) => (
  <g class={`node each ${isFaint ? "faint" : ""}`}>
    <title>{`${count(node.fanOuts)} fan-outs, ${count(node.planned)} items`}</title>
    <rect {...placeOf(node)} rx={node.height / 2} />
    <text x={node.x + node.width / 2} y={node.y + node.height / 2 + 5} text-anchor="middle">
      × {count(node.planned)}
    </text>
  </g>
);

/** `54 of 60 done, about 131 ms each` */
function aboutTasks({ planned }: DrawnNode, summary: DefinitionSummary | undefined): string {
  const done = summary?.counts.done ?? 0;
  const typical =
    summary === undefined || summary.medianMs === null ? "" : ` · ${duration(summary.medianMs)}`;
  return planned === 1
    ? `${done === 1 ? "done" : "1 task"}${typical}`
    : `${count(done)} of ${count(planned)} done${typical}`;
}

type BarProps = { readonly node: DrawnNode; readonly summary: DefinitionSummary };

/** The states of its tasks: a part that is there is seen. */
function Bar({ node, summary: { counts } }: BarProps) {
  const width = node.width - 28;
  const known = statuses.reduce((sum, status) => sum + counts[status], 0);
  const scale = width / Math.max(known, node.planned, 1);
  let x = node.x + 14;
  return (
    <>
      <rect class="bar-back" x={x} y={node.y + 52} width={width} height={5} rx="2.5" />
      {statuses
        .filter((status) => counts[status] > 0)
        .map((status) => {
          const part = Math.max(3, counts[status] * scale);
          const left = Math.min(x, node.x + 14 + width - part);
          x += part;
          return (
            <rect
              key={status}
              class={status}
              x={left}
              y={node.y + 52}
              width={part}
              height={5}
              rx="2.5"
            />
          );
        })}
    </>
  );
}

const cutMiddle = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most / 2)}…${text.slice(1 - most / 2)}`;
