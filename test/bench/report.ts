// Prints the figures as a table.

import type { Figure, Target, Unit } from "./figure.ts";

const headings = ["", "measured", "limit", "ratio", "target", "", "CPU: ours, limit"];

export function table(figures: readonly Figure[]): string {
  const rows = figures.map(cells);
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => Bun.stringWidth(row[column] ?? ""))),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0, column))
      .join("  ")
      .trimEnd();
  return [headings, ...rows]
    .flatMap((row, index) => [
      line(row),
      ...(figures[index - 1]?.notes ?? []).map((note) => `    ${note}`),
    ])
    .join("\n");
}

/** Numbers are right-aligned, names left-aligned. */
function pad(cell: string, width: number, column: number): string {
  const spaces = " ".repeat(width - Bun.stringWidth(cell));
  return column === 1 || column === 3 ? spaces + cell : cell + spaces;
}

function cells(figure: Figure): string[] {
  const { name, value, unit, limit, limitName, target, ok, cpu } = figure;
  return [
    name,
    shown(value, unit),
    `${shown(limit, unit)} ${limitName}`,
    ratioShown(figure),
    targetShown(target, unit),
    ok ? "ok" : "SHORT",
    cpu === undefined ? "" : `${digits(cpu.subject)}, ${digits(cpu.limit)} µs a ${cpu.op}`,
  ];
}

const share = (value: number): string => value.toFixed(2);

function ratioShown({ ratio, spread }: Figure): string {
  return spread === undefined
    ? share(ratio)
    : `${share(ratio)} (${spread.map((value) => share(value)).join("–")})`;
}

function targetShown({ of, is, value }: Target, unit: Unit): string {
  return `${is === "at least" ? "≥" : "≤"} ${of === "ratio" ? `${value}×` : shown(value, unit)}`;
}

const shown = (value: number, unit: Unit): string =>
  `${digits(value)}${unit === "/s" || unit.startsWith("%") ? unit : ` ${unit}`}`;

const digits = (value: number): string =>
  value >= 1000
    ? Math.round(value).toLocaleString("en-US")
    : value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
