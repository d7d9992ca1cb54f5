// Rows of SQL as lines: the first column is the x axis, the numbers of the others are the lines.

import { maxLines, type PlotLines } from "./parts/plot.tsx";
import type { SqlRows } from "./sql-rows.ts";

/** Without lines where no column after the first has numbers. */
export function plotOf(of: SqlRows): PlotLines {
  const { columns, numeric, rows } = of;
  const names = columns.slice(1).filter((name) => numeric.has(name));
  const lines = names.slice(0, maxLines).map((name) => ({
    name,
    values: rows.map((row) => (row[name] === null ? null : Number(row[name]))),
  }));
  return { xName: columns[0] ?? "", ...axisOf(of), lines };
}

function axisOf({
  columns: [name = ""],
  rows,
  numeric,
}: SqlRows): Pick<PlotLines, "x" | "isTime" | "labelOf"> {
  const cells = rows.map((row) => row[name] ?? "");
  if (numeric.has(name)) return { x: cells.map(Number), isTime: false };
  const times = cells.map((cell) =>
    /^\d{4}-\d\d-\d\d/.test(cell) ? Date.parse(cell) : Number.NaN,
  );
  if (times.every((time) => !Number.isNaN(time))) {
    return { x: times.map((time) => time / 1000), isTime: true };
  }
  // Texts are placed one after the other.
  return { x: cells.map((_, index) => index), isTime: false, labelOf: (x) => cells[x] ?? "" };
}
