// The boxes of the graph: a definition with the states of its tasks, and a fan-out. Each leads to its tasks.

import type { ComponentChildren } from "preact";

import type { DefinitionSummary, DrawnGraph, DrawnNode, RunBrief } from "../../contract.ts";
import { count, counted, duration } from "../format.ts";
import { itemsOf } from "../graph-moves.ts";
import { countsText, statuses } from "../parts/status.tsx";
import { go, hrefOf } from "../router.ts";

type Common = {
  readonly node: DrawnNode;
  readonly run: RunBrief;
  readonly isFaint: boolean;
  /** The Tab key stops here. */
  readonly isStop: boolean;
  /** It is pointed at, or has the focus. Null: it is not any more. */
  readonly mark: (id: string | null) => void;
  readonly stopAt: (id: string) => void;
};

type Props = Common & {
  readonly graph: DrawnGraph;
  /** Undefined: no task of the definition has begun or is read, or it is a fan-out. */
  readonly summary: DefinitionSummary | undefined;
  /** All tasks are read. */
  readonly isRead: boolean;
};

export const GraphBox = ({ graph, summary, isRead, ...box }: Props) =>
  box.node.kind === "each" ? (
    <FanOutBox {...box} definitions={itemsOf(graph, box.node.id)} />
  ) : (
    <TaskBox {...box} summary={summary} isRead={isRead} isDense={graph.isDense} />
  );

type TaskProps = Common & Pick<Props, "summary" | "isRead"> & { readonly isDense: boolean };

function TaskBox({ summary, isRead, isDense, ...box }: TaskProps) {
  const { node } = box;
  const { id, x, y } = node;
  const counts = summary === undefined ? nothing(isRead) : countsText(summary.counts);
  return (
    <Box {...box} kind="task" title={`${id}: ${counts}`} definitions={[id]}>
      <rect {...placeOf(node)} rx={isDense ? 5 : 8} />
      <text class="name" x={x + (isDense ? 8 : 14)} y={y + (isDense ? 17 : 24)}>
        {cutMiddle(id, maxName)}
      </text>
      {isDense ? null : (
        <text class="more" x={x + 14} y={y + 43}>
          {aboutTasks(node, summary, isRead)}
        </text>
      )}
      {summary === undefined ? null : (
        <Bar
          counts={summary.counts}
          planned={node.planned}
          left={x + (isDense ? 8 : 14)}
          top={y + (isDense ? 22 : 52)}
          width={node.width - (isDense ? 16 : 28)}
        />
      )}
    </Box>
  );
}

type FanOutProps = Common & { readonly definitions: readonly string[] };

function FanOutBox({ definitions, ...box }: FanOutProps) {
  const { node } = box;
  const many = counted(node.fanOuts, "fan-out");
  const title = `${many} of ${counted(node.planned, "item")}: ${definitions.join(", ")}`;
  return (
    <Box {...box} kind="each" title={title} definitions={definitions}>
      <rect {...placeOf(node)} rx={node.height / 2} />
      <text x={node.x + node.width / 2} y={node.y + node.height / 2 + 5} text-anchor="middle">
        × {count(node.planned)}
      </text>
    </Box>
  );
}

type BoxProps = Common & {
  readonly kind: DrawnNode["kind"];
  readonly title: string;
  /** The tasks that it leads to. */
  readonly definitions: readonly string[];
  readonly children: ComponentChildren;
};

function Box({ kind, title, definitions, children, ...box }: BoxProps) {
  const { node, run, isFaint, isStop, mark, stopAt } = box;
  const search = new URLSearchParams(definitions.map((name) => ["definition", name]));
  const path = `/runs/${run.id}/tasks?${search}`;
  return (
    <a
      href={hrefOf(path)}
      class={`node ${kind} ${isFaint ? "faint" : ""}`}
      tabIndex={isStop ? 0 : -1}
      aria-label={title}
      onMouseEnter={() => mark(node.id)}
      onMouseLeave={() => mark(null)}
      onFocus={() => {
        mark(node.id);
        stopAt(node.id);
      }}
      onBlur={() => mark(null)}
      onClick={(event) => {
        // The link of an SVG is no HTMLAnchorElement.
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        go(path);
      }}
    >
      <title>{title}</title>
      {children}
    </a>
  );
}

/** Characters that fit into a box. */
const maxName = 22;

const placeOf = ({ x, y, width, height }: DrawnNode) => ({ x, y, width, height });

const nothing = (isRead: boolean): string => (isRead ? "nothing yet" : "not read yet");

/** `54 of 60 done · 131 ms`: the median of those that have ended. */
function aboutTasks(
  node: DrawnNode,
  summary: DefinitionSummary | undefined,
  isRead: boolean,
): string {
  // The plan of a run that goes on is some seconds old.
  const planned = Math.max(node.planned, summary?.tasks ?? 0);
  if (summary === undefined && !isRead) return counted(planned, "task");
  const done = summary?.counts.done ?? 0;
  const typical =
    summary === undefined || summary.medianMs === null ? "" : ` · ${duration(summary.medianMs)}`;
  return planned === 1
    ? `${done === 1 ? "done" : "1 task"}${typical}`
    : `${count(done)} of ${count(planned)} done${typical}`;
}

type BarProps = {
  readonly counts: DefinitionSummary["counts"];
  readonly planned: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
};

/** The states of its tasks: a part that is there is seen. */
function Bar({ counts, planned, left, top, width }: BarProps) {
  const known = statuses.reduce((sum, status) => sum + counts[status], 0);
  const scale = width / Math.max(known, planned, 1);
  const line = { y: top, height: 5, rx: 2.5 };
  let x = left;
  return (
    <>
      <rect class="bar-back" x={left} width={width} {...line} />
      {statuses
        .filter((status) => counts[status] > 0)
        .map((status) => {
          const part = Math.max(3, counts[status] * scale);
          const at = Math.min(x, left + width - part);
          x += part;
          return <rect key={status} class={status} x={at} width={part} {...line} />;
        })}
    </>
  );
}

const cutMiddle = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most / 2)}…${text.slice(1 - most / 2)}`;
