// Where the rows of a timeline are, and what is at a point.

import type { TimelineRow, TimeSpan } from "../../contract.ts";
import type { Scale } from "./scale.ts";

type Place = { readonly top: number; readonly height: number };

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

/** So near counts as hit. */
const reach = 4;

/** Undefined: there is nothing. */
export function hitAt(
  rows: readonly TimelineRow[],
  layout: Layout,
  scale: Scale,
  { x, y }: { readonly x: number; readonly y: number },
): Hit | undefined {
  const time = scale.time(x);
  const idle = scale.pieces.find(({ isIdle, from, to }) => isIdle && from <= time && time < to);
  if (idle !== undefined) return { type: "idle", from: idle.from, to: idle.to };
  const index = layout.rows.findIndex(({ top, height }) => y >= top && y < top + height);
  const [row, place] = [rows[index], layout.rows[index]];
  if (row === undefined || place === undefined) return undefined;
  if (row.spans !== null) {
    const line = ((y - place.top - 3) * row.lines) / (place.height - 7);
    const span = nearest(row.spans, scale, x, line);
    return span === undefined ? undefined : { type: "task", row: index, span };
  }
  return bucketAt(row, index, scale, x);
}

/** A failure is drawn above others, so it is hit first. */
function nearest(
  spans: readonly TimeSpan[],
  scale: Scale,
  x: number,
  line: number,
): TimeSpan | undefined {
  let best: TimeSpan | undefined;
  let least = Infinity;
  for (const span of spans) {
    const [left, right] = [scale.x(span[1]), scale.x(span[2])];
    const away = Math.max(left - x, x - Math.max(right, left + 2), 0);
    if (away > reach) continue;
    const off = Math.max(span[4] - line, line - span[4] - 1, 0);
    const distance = away + off * 8 - (span[3] === "error" ? 1 : 0);
    if (off < 0.6 && distance < least) [best, least] = [span, distance];
  }
  return best;
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
