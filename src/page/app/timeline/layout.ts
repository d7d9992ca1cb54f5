// Where the rows of a timeline are, and what is at a point.

import type { TimelineRow, TimeSpan } from "../../contract.ts";
import type { Point, Scale } from "./scale.ts";

export type Place = { readonly top: number; readonly height: number };

export type Layout = { readonly height: number; readonly rows: readonly Place[] };

const plain = 34;
const mostHeight = 96;
/** With more rows, all of them are low: a canvas has an end. */
const manyRows = 60;

export function layoutOf(rows: readonly TimelineRow[]): Layout {
  let top = 0;
  const places = rows.map(({ lines }): Place => {
    const wanted = rows.length > manyRows ? plain : lines * 9 + 7;
    const place = { top, height: Math.min(mostHeight, Math.max(plain, wanted)) };
    top += place.height;
    return place;
  });
  return { height: top, rows: places };
}

export type Hit =
  | { readonly type: "task"; readonly row: number; readonly span: TimeSpan }
  | {
      readonly type: "bucket";
      readonly row: number;
      readonly from: number;
      readonly to: number;
      readonly tasks: number;
      readonly failed: number;
    }
  | { readonly type: "idle"; readonly from: number; readonly to: number };

/** Pixels that whatever is there has. */
export const leastWidth = 2;

type Edges = readonly [left: number, right: number];

/** Of a task's bar. Undefined: it is not shown. One that began when the run ended is. */
export function edgesOf(scale: Scale, [, started, ended]: TimeSpan): Edges | undefined {
  const [begin, right] = [scale.x(started), scale.x(ended)];
  if (right < 0 || begin > scale.width) return undefined;
  const left = Math.min(begin, scale.width - leastWidth);
  return [left, Math.max(right, left + leastWidth)];
}

/** So near counts as hit. */
const reach = 4;

/** A task may begin and end a squeezed time, so that is hit last. Undefined: there is nothing. */
export function hitAt(
  rows: readonly TimelineRow[],
  layout: Layout,
  scale: Scale,
  { x, y }: Point,
): Hit | undefined {
  const index = layout.rows.findIndex(({ top, height }) => y >= top && y < top + height);
  const [row, place] = [rows[index], layout.rows[index]];
  if (row !== undefined && place !== undefined) {
    const hit =
      row.spans === null
        ? bucketAt(row, index, scale, x)
        : nearest(
            row.spans,
            index,
            scale,
            x,
            ((y - place.top - 3) * row.lines) / (place.height - 7),
          );
    if (hit !== undefined) return hit;
  }
  const time = scale.time(x);
  const idle = scale.pieces.find(({ isIdle, from, to }) => isIdle && from <= time && time < to);
  return idle && { type: "idle", from: idle.from, to: idle.to };
}

/** A failure is drawn above others, so it is hit first. */
function nearest(
  spans: readonly TimeSpan[],
  row: number,
  scale: Scale,
  x: number,
  line: number,
): Hit | undefined {
  let best: TimeSpan | undefined;
  let least = Infinity;
  for (const span of spans) {
    const [left, right] = edgesOf(scale, span) ?? [Infinity, 0];
    const away = Math.max(left - x, x - right, 0);
    if (away > reach) continue;
    const off = Math.max(span[4] - line, line - span[4] - 1, 0);
    const distance = away + off * 8 - (span[3] === "error" ? 1 : 0);
    if (off < 0.6 && distance < least) [best, least] = [span, distance];
  }
  return best && { type: "task", row, span: best };
}

function bucketAt(row: TimelineRow, index: number, scale: Scale, x: number): Hit | undefined {
  const { buckets } = row;
  if (buckets === null) return undefined;
  const count = buckets.tasks.length;
  const bucketOf = (pixel: number): number => Math.floor(scale.partAt(pixel) * count);
  const first = Math.max(0, bucketOf(x - 1));
  const last = Math.min(count - 1, Math.max(first, bucketOf(x + 1)));
  const most = (of: readonly number[] | null): number =>
    of === null ? 0 : Math.max(0, ...of.slice(first, last + 1));
  const tasks = most(buckets.tasks);
  if (tasks === 0) return undefined;
  const from = scale.time(scale.ofPart(first / count));
  const to = scale.time(scale.ofPart((last + 1) / count));
  return { type: "bucket", row: index, from, to, tasks, failed: most(buckets.failed) };
}
