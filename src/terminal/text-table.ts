// A table that fits a width: columns are cut where allowed, the widest first. Pure.

import type { Palette, Style } from "../base/palette.ts";
import { paletteOf } from "../base/palette.ts";
import { cellText, fit, fitMiddle, pad, padStart, visible, width } from "../base/text.ts";

export type Column = {
  readonly title: string;
  /** Default: left. */
  readonly align?: "left" | "right";
  /** Smallest width when there is no room. Default: the column is never cut. */
  readonly shrinkTo?: number;
  /** Where a longer text is cut. Default: at its end. */
  readonly cut?: "middle";
  /** The column is left out if the table would be too wide; the highest number goes first. */
  readonly optional?: number;
};

/** Text as it is in the data (control characters are made visible here), and its style. */
export type TableCell = string | { readonly text: string; readonly style: Style };

export type Table = {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly TableCell[])[];
};

type TableOptions = {
  /** Columns of the terminal; Infinity without one. */
  readonly width: number;
  readonly colors?: Palette;
};

const gap = "  ";
const noStyle: Style = (text) => text;

/** The lines of the table, the titles first. Missing cells at the end of a row are empty. */
export const tableLines = (table: Table, options: TableOptions): string[] =>
  fittedTable(table, options).lines;

type FittedTable = {
  readonly lines: string[];
  /** Which columns were left out. */
  readonly leftOut: readonly number[];
};

export function fittedTable(table: Table, options: TableOptions): FittedTable {
  const colors = options.colors ?? paletteOf(0);
  // On a terminal, columns line up only if all terminals agree on the width of what is in them.
  const safe = options.width === Infinity ? visible : cellText;
  const texts = table.rows.map((row) => table.columns.map((_, i) => safe(textOf(row[i]))));
  const heads = table.columns.map(({ title }) => safe(title));
  const natural = heads.map((head, i) =>
    texts.reduce((most, row) => Math.max(most, width(row[i] ?? "")), width(head)),
  );
  const shown = choose(table.columns, natural, options.width);
  const widths = shrink(table.columns, natural, shown, options.width);
  // A single column that may not be cut goes over several rows.
  const room = shown.length === 1 ? Math.max(options.width, ...widths) : options.width;
  const line = (cells: (column: number) => { text: string; style: Style }): string =>
    fit(
      shown
        .map((i, nth) => {
          const { text, style } = cells(i);
          return style(aligned(text, widths[i] ?? 0, table.columns[i], nth === shown.length - 1));
        })
        .join(gap)
        .trimEnd(),
      room,
    );
  const titles = line((i) => ({ text: heads[i] ?? "", style: colors.dim }));
  const rows = texts.map((row, r) =>
    line((i) => ({ text: row[i] ?? "", style: styleOf(table.rows[r]?.[i]) })),
  );
  return { lines: [titles, ...rows], leftOut: [...heads.keys()].filter((i) => !shown.includes(i)) };
}

const textOf = (cell: TableCell | undefined): string =>
  cell === undefined ? "" : typeof cell === "string" ? cell : cell.text;

const styleOf = (cell: TableCell | undefined): Style =>
  cell === undefined || typeof cell === "string" ? noStyle : cell.style;

function aligned(text: string, columns: number, column: Column | undefined, last: boolean): string {
  if (last && text === "") return "";
  const cutTo = column?.cut === "middle" ? fitMiddle : fit;
  if (column?.align === "right") return padStart(cutTo(text, columns), columns);
  return last ? cutTo(text, columns) : pad(text, columns, cutTo);
}

const total = (widths: readonly number[], shown: readonly number[]): number =>
  shown.reduce((sum, i) => sum + (widths[i] ?? 0), gap.length * Math.max(0, shown.length - 1));

/** Leaves out optional columns until the table fits with every column at its smallest width. */
function choose(columns: readonly Column[], natural: readonly number[], limit: number): number[] {
  const least = natural.map((wide, i) => Math.min(wide, columns[i]?.shrinkTo ?? wide));
  let shown = columns.map((_, i) => i);
  while (total(least, shown) > limit) {
    const optional = shown.filter((i) => columns[i]?.optional !== undefined);
    if (optional.length === 0) break;
    const rank = (i: number): number => columns[i]?.optional ?? 0;
    const out = optional.reduce((a, b) => (rank(b) >= rank(a) ? b : a));
    shown = shown.filter((i) => i !== out);
  }
  return shown;
}

function shrink(
  columns: readonly Column[],
  natural: readonly number[],
  shown: readonly number[],
  limit: number,
): number[] {
  const widths = [...natural];
  const room = (i: number): number => (widths[i] ?? 0) - (columns[i]?.shrinkTo ?? widths[i] ?? 0);
  for (let excess = total(widths, shown) - limit; excess > 0; excess--) {
    const able = shown.filter((i) => room(i) > 0);
    if (able.length === 0) break;
    const widest = able.reduce((a, b) => ((widths[b] ?? 0) > (widths[a] ?? 0) ? b : a));
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

/** The style of a status, the same everywhere. */
export function statusStyle(status: string, colors: Palette): Style {
  switch (status) {
    case "done":
      return colors.green;
    case "error":
      return colors.red;
    case "running":
      return colors.cyan;
    case "cancelled":
    case "skipped":
      return colors.yellow;
    default:
      return colors.dim;
  }
}
