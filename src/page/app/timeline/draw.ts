// Draws the rows of a timeline. Failures are drawn last, and whatever is there has two pixels at least: a task of 1 ms in a run of an
// hour is seen, and can be clicked. A task of 0 ms may begin and end a squeezed time, so those are drawn first.

import type { SeenStatus, TimeBuckets, TimelineRow } from "../../contract.ts";
import { edgesOf, type Layout, leastWidth, type Place } from "./layout.ts";
import type { Scale } from "./scale.ts";

export type Palette = Readonly<Record<SeenStatus | "line" | "idle" | "track", string>>;

export type Drawing = {
  readonly rows: readonly TimelineRow[];
  readonly layout: Layout;
  readonly scale: Scale;
  readonly palette: Palette;
  /** How tasks without an end are: a run whose process is gone has interrupted ones. */
  readonly open: "running" | "interrupted";
};

/** Its transform is one unit a CSS pixel. */
export function draw(context: CanvasRenderingContext2D, drawing: Drawing): void {
  const { layout, scale, palette, rows } = drawing;
  context.clearRect(0, 0, scale.width, layout.height);
  drawIdle(context, drawing);
  for (const [i, row] of rows.entries()) {
    const place = layout.rows[i] ?? { top: 0, height: 0 };
    context.fillStyle = palette.line;
    context.fillRect(0, place.top + place.height - 1, scale.width, 1);
    if (row.buckets !== null) drawBuckets(context, drawing, row.buckets, place);
    if (row.spans !== null) drawSpans(context, drawing, row, place);
  }
}

function drawSpans(
  context: CanvasRenderingContext2D,
  { scale, palette }: Drawing,
  { spans, lines }: TimelineRow,
  { top, height }: Place,
): void {
  const lineHeight = (height - 7) / lines;
  for (const isLast of [false, true]) {
    for (const span of spans ?? []) {
      const [, , , status, line] = span;
      if ((status === "error") !== isLast) continue;
      const edges = edgesOf(scale, span);
      if (edges === undefined) continue;
      const [left, right] = edges;
      context.fillStyle = palette[status];
      const width = right - left - (right - left > 4 ? 1 : 0);
      const barHeight = Math.max(1.5, lineHeight - (lineHeight > 4 ? 1 : 0));
      context.fillRect(left, top + 3 + line * lineHeight, width, barHeight);
    }
  }
}

/** What the buckets of one pixel have together. */
type Pixel = { level: number; tasks: number; failed: number; running: number };

function drawBuckets(
  context: CanvasRenderingContext2D,
  { scale, palette, open }: Drawing,
  buckets: TimeBuckets,
  { top, height }: Place,
): void {
  const most = mostOf(buckets);
  const full = height - 7;
  const failures: (readonly [left: number, width: number, height: number])[] = [];
  for (let i = 0; i < buckets.tasks.length;) {
    const left = scale.ofPart(i / buckets.tasks.length);
    const pixel: Pixel = { level: 0, tasks: 0, failed: 0, running: 0 };
    let right = left;
    // On a narrow screen several buckets share two pixels.
    for (; i < buckets.tasks.length && right - left < leastWidth; i++) {
      join(pixel, buckets, i);
      right = scale.ofPart((i + 1) / buckets.tasks.length);
    }
    if (pixel.tasks === 0 || right < 0 || left > scale.width) continue;
    const bar = Math.max(2, (full * pixel.level) / most);
    context.fillStyle = pixel.running === pixel.tasks ? palette[open] : palette.done;
    // On whole pixels: otherwise there are seams.
    const [from, width] = [Math.round(left), Math.round(right) - Math.round(left)];
    context.fillRect(from, top + 3 + full - bar, width, bar);
    if (pixel.failed > 0)
      failures.push([from, width, Math.max(4, (bar * pixel.failed) / pixel.tasks)]);
  }
  context.fillStyle = palette.error;
  for (const [left, width, bar] of failures)
    context.fillRect(left, top + 3 + full - bar, Math.max(leastWidth, width), bar);
}

/** The level that has the whole height: 1 at least, so that a worker that is half idle is half as high. */
const mostOf = ({ level }: TimeBuckets): number =>
  level.reduce((most, each) => Math.max(most, each), 100);

function join(pixel: Pixel, { level, tasks, failed, running }: TimeBuckets, i: number): void {
  pixel.level = Math.max(pixel.level, level[i] ?? 0);
  pixel.tasks = Math.max(pixel.tasks, tasks[i] ?? 0);
  pixel.failed = Math.max(pixel.failed, failed?.[i] ?? 0);
  pixel.running = Math.max(pixel.running, running?.[i] ?? 0);
}

function drawIdle(context: CanvasRenderingContext2D, { scale, palette, layout }: Drawing): void {
  for (const { at, width, isIdle } of scale.pieces) {
    if (!isIdle) continue;
    const [left, right] = [scale.ofPart(at), scale.ofPart(at + width)];
    if (right < 0 || left > scale.width) continue;
    context.save();
    context.beginPath();
    context.rect(left, 0, right - left, layout.height);
    context.clip();
    context.fillStyle = palette.track;
    context.fillRect(left, 0, right - left, layout.height);
    context.strokeStyle = palette.idle;
    context.beginPath();
    for (let x = left - layout.height; x < right; x += 7) {
      context.moveTo(x, layout.height);
      context.lineTo(x + layout.height, 0);
    }
    context.stroke();
    context.restore();
  }
}
