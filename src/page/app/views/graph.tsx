// The task definitions of a run and what they depend on, with how far each has come. A fan-out is one box.

import { useLayoutEffect, useRef, useState } from "preact/hooks";

import type { DefinitionsView, DrawnGraph, RunBrief } from "../../contract.ts";
import { neighbours, nextNode } from "../graph-moves.ts";
import { Empty, Reading, Show } from "../parts/states.tsx";
import { useData } from "../use-data.ts";
import { useWidth } from "../use-element.ts";
import { GraphBox } from "./graph-box.tsx";
import { Arrows, GraphLine } from "./graph-line.tsx";

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

type Zoom = number | "fit";

const zooms: readonly Zoom[] = ["fit", 0.5, 1, 1.5];
/** A graph opens as wide as the page, but not smaller than this: then no name could be read. */
const leastAtFirst = 0.7;

function Drawing({ graph, run }: { readonly graph: DrawnGraph; readonly run: RunBrief }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [chosen, setZoom] = useState<Zoom | null>(null);
  const fitting = Math.min(1, width / graph.width);
  const zoom = chosen ?? (fitting < leastAtFirst ? leastAtFirst : "fit");
  const scale = zoom === "fit" ? fitting : zoom;
  useFirstPlace(box, graph, width === 0 ? null : scale);
  const loaded = useData<DefinitionsView>(`/data/runs/${run.id}/definitions`);
  const view = loaded.type === "ready" ? loaded.data : undefined;
  return (
    <section class="card" aria-label="graph">
      <Tools zoom={zoom} setZoom={setZoom} isCut={graph.isCut} />
      {view === undefined ? null : <Reading of={view} />}
      <div class="graph" ref={box}>
        {width === 0 ? null : <Boxes graph={graph} run={run} scale={scale} view={view} />}
      </div>
    </section>
  );
}

/** A large graph opens where it begins: the first box may be far below the corner. */
function useFirstPlace(
  box: { readonly current: HTMLElement | null },
  { nodes: [first] }: DrawnGraph,
  scale: number | null,
): void {
  const isPlaced = useRef(false);
  useLayoutEffect(() => {
    const { current } = box;
    if (scale === null || current === null || first === undefined || isPlaced.current) return;
    isPlaced.current = true;
    current.scrollTop = (first.y + first.height / 2) * scale - current.clientHeight / 2;
  }, [scale]);
}

type BoxesProps = {
  readonly graph: DrawnGraph;
  readonly run: RunBrief;
  readonly scale: number;
  /** Undefined: it is not loaded yet. */
  readonly view: DefinitionsView | undefined;
};

function Boxes({ graph, run, scale, view }: BoxesProps) {
  const summaries = new Map(view?.definitions.map((each) => [each.name, each]));
  const [marked, mark] = useState<string | null>(null);
  /** The one box at which the Tab key stops: the arrows go from box to box. */
  const [stop, stopAt] = useState<string | null>(null);
  const near = marked === null ? null : neighbours(graph, marked);
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const stopNow = stop !== null && nodes.has(stop) ? stop : graph.nodes[0]?.id;
  return (
    <svg
      width={graph.width * scale}
      height={graph.height * scale}
      viewBox={`0 0 ${graph.width} ${graph.height}`}
      class={graph.isDense ? "dense" : ""}
      role="group"
      aria-label="definitions; the arrow keys go from one to the next"
      onKeyDown={(event) => moveFocus(event, graph)}
    >
      <Arrows />
      {graph.edges.map((edge) => (
        <GraphLine
          key={`${edge.from} ${edge.to}`}
          edge={edge}
          source={nodes.get(edge.from)}
          summary={summaries.get(edge.from)}
          isFaint={marked !== null && edge.from !== marked && edge.to !== marked}
        />
      ))}
      {graph.nodes.map((node) => (
        <GraphBox
          key={node.id}
          node={node}
          graph={graph}
          run={run}
          summary={summaries.get(node.id)}
          isRead={view?.isComplete === true}
          isFaint={near !== null && !near.has(node.id)}
          isStop={node.id === stopNow}
          mark={mark}
          stopAt={stopAt}
        />
      ))}
    </svg>
  );
}

function moveFocus(event: KeyboardEvent, graph: DrawnGraph): void {
  if (!(event.currentTarget instanceof SVGElement) || !(event.target instanceof Element)) return;
  const boxes = [...event.currentTarget.querySelectorAll<SVGElement>("a.node")];
  const here = graph.nodes[boxes.findIndex((box) => box === event.target)];
  const next = here === undefined ? undefined : nextNode(graph, here.id, event.key);
  if (next === undefined) return;
  event.preventDefault();
  boxes[graph.nodes.findIndex(({ id }) => id === next)]?.focus();
}

type ToolsProps = {
  readonly zoom: Zoom;
  readonly setZoom: (zoom: Zoom) => void;
  readonly isCut: boolean;
};

const Tools = ({ zoom, setZoom, isCut }: ToolsProps) => (
  <div class="graph-tools toolbar">
    <div class="segments" role="group" aria-label="zoom">
      {zooms.map((each) => (
        <button key={each} type="button" aria-pressed={zoom === each} onClick={() => setZoom(each)}>
          {each === "fit" ? "Fit width" : `${each * 100} %`}
        </button>
      ))}
    </div>
    <span class="soft">
      Solid lines carry results, dashed ones only wait.
      {isCut ? " Only the first definitions are drawn." : ""}
    </span>
  </div>
);
