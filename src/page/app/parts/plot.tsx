// Rows of SQL as lines: the first column is the x axis, the numbers of the others are the lines.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import type { SqlRows } from "../sql-rows.ts";
import { Empty } from "./states.tsx";

const maxLines = 6;
const height = 320;
const lineColors = ["--running", "--done", "--skipped", "--error", "--cancelled", "--queued"];

export function Plot({ rows }: { readonly rows: SqlRows }) {
  const box = useRef<HTMLDivElement>(null);
  const names = rows.columns
    .slice(1)
    .filter((name) => rows.numeric.has(name))
    .slice(0, maxLines);
  useEffect(() => {
    const element = box.current;
    if (element === null || names.length === 0) return undefined;
    const plot = draw(element, rows, names);
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [rows]);
  if (names.length === 0) {
    return (
      <Empty title="Nothing to plot">
        <p>A plot needs a first column for the x axis, and a column of numbers after it.</p>
      </Empty>
    );
  }
  return <div class="plot" ref={box} role="img" aria-label={`plot of ${names.join(", ")}`} />;
}

function draw(element: HTMLElement, rows: SqlRows, names: readonly string[]): uPlot {
  const style = getComputedStyle(element);
  const colorOf = (name: string): string => style.getPropertyValue(name);
  const { x, isTime, labelOf } = axisOf(rows);
  const axis = { stroke: colorOf("--text-soft"), grid: { stroke: colorOf("--line") } };
  const values = names.map((name) =>
    rows.rows.map((row) => (row[name] === null ? null : Number(row[name]))),
  );
  return new uPlot(
    {
      width: element.clientWidth,
      height,
      scales: { x: { time: isTime } },
      axes: [
        {
          ...axis,
          ...(labelOf === undefined ? {} : { values: (_, ticks) => ticks.map(labelOf) }),
        },
        axis,
      ],
      series: [
        { label: rows.columns[0] ?? "" },
        ...names.map((label, i) => ({
          label,
          stroke: colorOf(lineColors[i] ?? ""),
          width: 1.5,
          points: { show: rows.rows.length < 60 },
        })),
      ],
    },
    // Lines need their x in order.
    sorted(x, values),
    element,
  );
}

type Axis = {
  readonly x: readonly number[];
  /** `x` is epoch seconds. */
  readonly isTime: boolean;
  /** Of texts, which are placed one after the other. */
  readonly labelOf?: (x: number) => string;
};

function axisOf({ columns: [name = ""], rows, numeric }: SqlRows): Axis {
  const cells = rows.map((row) => row[name] ?? "");
  if (numeric.has(name)) return { x: cells.map(Number), isTime: false };
  const times = cells.map((cell) =>
    /^\d{4}-\d\d-\d\d/.test(cell) ? Date.parse(cell) : Number.NaN,
  );
  if (times.every((time) => !Number.isNaN(time))) {
    return { x: times.map((time) => time / 1000), isTime: true };
  }
  const labelOf = (x: number): string => cells[x] ?? "";
  return { x: cells.map((_, index) => index), isTime: false, labelOf };
}

function sorted(
  x: readonly number[],
  lines: readonly (readonly (number | null)[])[],
): uPlot.AlignedData {
  const order = x.map((_, index) => index).toSorted((a, b) => (x[a] ?? 0) - (x[b] ?? 0));
  return [
    order.map((index) => x[index] ?? 0),
    ...lines.map((line) => order.map((index) => line[index] ?? null)),
  ];
}
