// Numbers as lines over one x axis.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import { count, time } from "../format.ts";
import { useThemeChange, useWidth } from "../use-element.ts";

export type PlotLines = {
  readonly x: readonly number[];
  readonly xName: string;
  /** `x` is epoch seconds. */
  readonly isTime: boolean;
  /** Of an `x` that stands for a text. */
  readonly labelOf?: ((x: number) => string) | undefined;
  readonly lines: readonly {
    readonly name: string;
    readonly values: readonly (number | null)[];
  }[];
};

/** Lines with fewer values show each of them. */
const fewValues = 60;
const lineColors = ["--running", "--done", "--skipped", "--error", "--cancelled", "--queued"];

/** A plot with more lines cannot be read. */
export const maxLines = lineColors.length;

type Props = {
  readonly of: PlotLines;
  /** Pixels. */
  readonly height: number;
};

export function Plot({ of, height }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const width = useWidth(box);
  const theme = useThemeChange();
  const names = of.lines.map(({ name }) => name);
  const isNew = useRef(true);
  useEffect(() => {
    const element = box.current;
    if (element === null || width === 0) return undefined;
    const drawn = draw(element, of, { width, height });
    plot.current = drawn;
    isNew.current = true;
    return () => drawn.destroy();
  }, [names.join("\n"), of.isTime, of.labelOf !== undefined, width, theme]);
  useEffect(() => {
    // What is pointed at stays where new values come.
    if (!isNew.current) plot.current?.setData(dataOf(of));
    isNew.current = false;
  }, [of]);
  return <div class="plot" ref={box} role="img" aria-label={`plot of ${names.join(", ")}`} />;
}

type Size = { readonly width: number; readonly height: number };

function draw(element: HTMLElement, of: PlotLines, { width, height }: Size): uPlot {
  const style = getComputedStyle(element);
  const colorOf = (name: string): string => style.getPropertyValue(name);
  const inside =
    width - Number.parseFloat(style.paddingLeft) - Number.parseFloat(style.paddingRight);
  const axis = { stroke: colorOf("--text-soft"), grid: { stroke: colorOf("--line"), width: 1 } };
  const { labelOf } = of;
  return new uPlot(
    {
      width: inside,
      height,
      scales: { x: { time: of.isTime } },
      axes: [
        of.isTime
          ? { ...axis, space: 120, values: (_, ticks) => timesOf(ticks) }
          : { ...axis, ...(labelOf && { values: (_, ticks) => ticks.map(labelOf) }) },
        { ...axis, size: sizeFor },
      ],
      series: [
        { label: of.xName, value: (_, x) => xText(of, x) },
        ...of.lines.map(({ name }, i) => ({
          label: name,
          value: (_: uPlot, value: number | null) => (value === null ? "–" : count(value)),
          stroke: colorOf(lineColors[i] ?? ""),
          width: 1.5,
          points: { show: of.x.length < fewValues },
        })),
      ],
    },
    dataOf(of),
    element,
  );
}

/** Of the axis at the left, pixels: a number whose first digits are cut off is another one. @param labels null: not made yet */
const sizeFor = (_: uPlot, labels: readonly string[] | null): number =>
  24 + 7 * Math.max(6, ...(labels ?? []).map(({ length }) => length));

const twoDigits = { minute: "2-digit", second: "2-digit" } as const;
const instant = new Intl.DateTimeFormat(undefined, { ...twoDigits, fractionalSecondDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const dayAndClock = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

/** As much of each time as tells it from the next one. @param ticks epoch seconds, at equal distances */
function timesOf(ticks: readonly number[]): string[] {
  const dates = ticks.map((tick) => new Date(tick * 1000));
  const isOneDay = new Set(dates.map((date) => date.toDateString())).size < 2;
  const isFine = (ticks[1] ?? Infinity) - (ticks[0] ?? 0) < 1;
  const format = isFine ? instant : isOneDay ? clock : dayAndClock;
  return dates.map((date) => format.format(date));
}

/** @param x null: nothing is pointed at */
function xText({ isTime, labelOf }: PlotLines, x: number | null): string {
  if (x === null) return "–";
  return isTime ? time(x * 1000) : (labelOf?.(x) ?? String(x));
}

/** Lines need their x in order. */
function dataOf({ x, lines }: PlotLines): uPlot.AlignedData {
  const order = x.map((_, index) => index).toSorted((a, b) => (x[a] ?? 0) - (x[b] ?? 0));
  return [
    order.map((index) => x[index] ?? 0),
    ...lines.map(({ values }) => order.map((index) => values[index] ?? null)),
  ];
}
