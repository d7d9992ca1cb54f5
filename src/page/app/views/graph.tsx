// The task definitions of a run and what they depend on, with how far each has come. A fan-out is one box.

import { useState } from "preact/hooks";

import type { DrawnEdge, DrawnGraph, DrawnNode, RunBrief } from "../../contract.ts";
import { count } from "../format.ts";
import { Empty, Show } from "../parts/states.tsx";
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
  readonly run: RunBrief;
  readonly isFaint: boolean;
  readonly mark: (id: string | null) => void;
};

function Box({ node, run, isFaint, mark }: BoxProps) {
  const place = { x: node.x, y: node.y, width: node.width, height: node.height };
  if (node.kind === "each") {
    return (
      <g class={`node each ${isFaint ? "faint" : ""}`}>
        <title>{`${count(node.fanOuts)} fan-outs, ${count(node.planned)} items`}</title>
        <rect {...place} rx={node.height / 2} />
        <text x={node.x + node.width / 2} y={node.y + node.height / 2 + 5} text-anchor="middle">
          × {count(node.planned)}
        </text>
      </g>
    );
  }
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
      <title>{node.id}</title>
      <rect {...place} rx="8" />
      <text class="name" x={node.x + 14} y={node.y + 27}>
        {cutMiddle(node.id, 24)}
      </text>
      <text class="more" x={node.x + 14} y={node.y + 50}>
        {count(node.planned)} {node.planned === 1 ? "task" : "tasks"}
      </text>
    </a>
  );
}

const cutMiddle = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most / 2)}…${text.slice(1 - most / 2)}`;
