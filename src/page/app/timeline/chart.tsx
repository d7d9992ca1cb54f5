// The timeline itself: an axis, names at the left, and a canvas.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { TasksView, TimelineRow, TimelineView } from "../../contract.ts";
import { count, counted } from "../format.ts";
import { go, hrefOf, param } from "../router.ts";
import { get } from "../source.ts";
import { draw, type Drawing, type Palette } from "./draw.ts";
import { Gestures, type Stage } from "./gestures.ts";
import { type Hit, hitAt, type Layout, layoutOf } from "./layout.ts";
import { panned, type Point, type Range, Scale, ticksOf, zoomed } from "./scale.ts";
import { Tip } from "./tip.tsx";
import { useThemeChange, useWidth } from "../use-element.ts";

type Props = {
  readonly run: number;
  readonly view: TimelineView;
  /** What is to be shown; the data may not be there yet. */
  readonly shown: Range;
  readonly show: (range: Range | null) => void;
  readonly open: "running" | "interrupted";
};

export function Chart({ run, view, shown, show, open }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(canvas);
  const [selected, select] = useState<Range | null>(null);
  const [pointer, hover] = useState<Point | null>(null);
  const scale = new Scale(view, shown, Math.max(width, 1));
  const layout = layoutOf(view.rows);
  const bounds = { from: view.first, to: view.last };
  const hit = pointer === null ? undefined : hitAt(view.rows, layout, scale, pointer);
  const click = (point: Point): void => {
    const clicked = hitAt(view.rows, layout, scale, point);
    if (clicked !== undefined) void follow({ run, view, scale, bounds, show }, clicked);
  };
  useGestures(canvas, { scale, bounds, show, select, hover, click });
  useDrawn(canvas, { rows: view.rows, layout, scale, open });
  return (
    <div class="timeline card">
      <Axis scale={scale} first={view.first} />
      <div class="timeline-body">
        <Names run={run} view={view} layout={layout} />
        <div class="timeline-plot" style={{ height: `${layout.height}px` }}>
          <canvas
            ref={canvas}
            tabIndex={0}
            role="application"
            class={hit === undefined || hit.type === "idle" ? "" : "is-over"}
            aria-label={`Timeline of ${counted(view.tasks, "task")}, ${count(view.failed)} failed. Arrow keys move, plus and minus zoom, 0 shows the whole run. The table below has the same.`}
            onKeyDown={(event) => onKey(event, scale, bounds, show)}
          />
          {selected === null ? null : (
            <div
              class="timeline-selected"
              style={{ left: `${selected.from}px`, width: `${selected.to - selected.from}px` }}
            />
          )}
          {hit === undefined || pointer === null || selected !== null ? null : (
            <Tip run={run} hit={hit} at={pointer} width={width} first={view.first} />
          )}
        </div>
      </div>
    </div>
  );
}

function useGestures(canvas: { readonly current: HTMLCanvasElement | null }, stage: Stage): void {
  const newest = useRef(stage);
  newest.current = stage;
  useEffect(() => {
    if (canvas.current === null) return undefined;
    const gestures = new Gestures(canvas.current, () => newest.current);
    return () => gestures.close();
  }, []);
}

function useDrawn(
  canvas: { readonly current: HTMLCanvasElement | null },
  { rows, layout, scale, open }: Omit<Drawing, "palette">,
): void {
  const theme = useThemeChange();
  useLayoutEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (element === null || context === null || context === undefined) return;
    // A canvas has an end.
    const density = Math.min(window.devicePixelRatio, 16_000 / Math.max(layout.height, 1));
    element.width = Math.round(scale.width * density);
    element.height = Math.round(layout.height * density);
    context.setTransform(density, 0, 0, density, 0, 0);
    draw(context, { rows, layout, scale, open, palette: paletteOf(element) });
  }, [rows, layout.height, scale.width, scale.shown.from, scale.shown.to, open, theme]);
}

/** Softer than text of that state: a million bars that are as they should be are not what a person looks for. */
const softened = ["done", "cancelled", "skipped", "queued"] as const;
const strong = ["error", "running", "interrupted", "line"] as const;

/** A canvas does not know the variables of the style; what they give in this theme, an element's colour tells. */
function paletteOf(element: HTMLElement): Palette {
  const probe = document.createElement("i");
  element.parentElement?.append(probe);
  const colourOf = (css: string): string => {
    probe.style.color = css;
    return getComputedStyle(probe).color;
  };
  const palette = {
    ...Object.fromEntries(strong.map((name) => [name, colourOf(`var(--${name})`)])),
    ...Object.fromEntries(softened.map((name) => [name, colourOf(`var(--${name}-bar)`)])),
    idle: colourOf("var(--line-strong)"),
    track: colourOf("var(--sunken)"),
  } as Palette;
  probe.remove();
  return palette;
}

function Axis({ scale, first }: { readonly scale: Scale; readonly first: number }) {
  return (
    <div class="timeline-axis" aria-hidden="true">
      <div>
        {ticksOf(scale, first).map(({ x, text }) => (
          <span key={text} style={{ left: `${x}px` }}>
            {text}
          </span>
        ))}
      </div>
    </div>
  );
}

const nameOf = ({ by }: TimelineView, { key, machine }: TimelineRow): string =>
  machine ?? (by === "worker" ? `worker ${key ?? "unknown"}` : String(key));

export const isFailedOnly = (): boolean => param("failed") === "1";

/** Only what is counted is to be listed. */
export const askedStatus = () => isFailedOnly() && { status: "error" };

/** What is asked for the tasks of a row. */
const askedOf = ({ by }: TimelineView, { key, machine }: TimelineRow) => ({
  ...askedStatus(),
  [by]: String(key ?? "none"),
  ...(by === "worker" && { machine: machine ?? "" }),
});

/** The tasks of a row. */
export const rowHref = (run: number, view: TimelineView, row: TimelineRow): string =>
  hrefOf(`/runs/${run}/tasks?${new URLSearchParams(askedOf(view, row)).toString()}`);

function Names({ run, view, layout }: Pick<Props, "run" | "view"> & { readonly layout: Layout }) {
  return (
    <div class="timeline-names">
      {view.rows.map((row, i) => (
        <a
          key={`${row.machine} ${row.key}`}
          class={row.thread === 1 ? "is-first" : ""}
          href={rowHref(run, view, row)}
          title={nameOf(view, row)}
          style={{ height: `${layout.rows[i]?.height ?? 0}px` }}
        >
          {/* Without room, the name is cut, and not the number of the thread. */}
          <span>{nameOf(view, row)}</span>
          {row.thread === null ? null : <i>{row.thread}</i>}
          <small>
            {row.failed > 0 ? <b>✕ {count(row.failed)}</b> : null} {count(row.tasks)}
          </small>
        </a>
      ))}
    </div>
  );
}

type Followed = Pick<Props, "run" | "view" | "show"> & {
  readonly scale: Scale;
  readonly bounds: Range;
};

/** A task is opened; of many, a part is shown larger. */
async function follow({ run, view, scale, bounds, show }: Followed, hit: Hit): Promise<void> {
  if (hit.type === "idle") return;
  if (hit.type === "task") return go(`/runs/${run}/tasks?task=${hit.span[0]}`);
  const row = view.rows[hit.row];
  const asked = new URLSearchParams({
    from: String(Math.floor(hit.from)),
    to: String(Math.ceil(hit.to)),
    limit: "2",
    ...(row === undefined ? {} : askedOf(view, row)),
  });
  const [only, more] = await get<TasksView>(`/data/runs/${run}/tasks?${asked.toString()}`).then(
    ({ tasks }) => tasks,
    () => [],
  );
  if (only !== undefined && more === undefined) return go(`/runs/${run}/tasks?task=${only.id}`);
  return show(zoomed(scale, scale.x((hit.from + hit.to) / 2), 1 / 8, bounds));
}

function onKey(
  event: KeyboardEvent,
  scale: Scale,
  bounds: Range,
  show: (range: Range | null) => void,
): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const middle = scale.width / 2;
  const ranges: Readonly<Record<string, () => Range | null>> = {
    ArrowLeft: () => panned(scale, -scale.width / 10, bounds),
    ArrowRight: () => panned(scale, scale.width / 10, bounds),
    Home: () => panned(scale, -Infinity, bounds),
    End: () => panned(scale, Infinity, bounds),
    "+": () => zoomed(scale, middle, 0.5, bounds),
    "=": () => zoomed(scale, middle, 0.5, bounds),
    "-": () => zoomed(scale, middle, 2, bounds),
    "0": () => null,
  };
  const range = Object.hasOwn(ranges, event.key) ? ranges[event.key] : undefined;
  if (range === undefined) return;
  event.preventDefault();
  show(range());
}
