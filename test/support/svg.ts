// Renders screens as an animated SVG: a strip of frames that moves through a clipped window.

import type { Look, VirtualTerminal } from "./virtual-terminal.ts";

export type Shot = { readonly at: number; readonly rows: ReturnType<VirtualTerminal["runs"]> };

export type SvgOptions = {
  readonly columns: number;
  readonly rows: number;
  /** What is to be seen, for those who cannot see it. */
  readonly label: string;
  /** How long the last frame stays before the animation repeats. */
  readonly holdMs: number;
};

const cell = { width: 8.4, height: 19 };
const margin = { side: 18, top: 40, bottom: 16 };
const ground = "#14161b";
const ink = "#d7dae0";

const named: Readonly<Record<string, string>> = {
  "": ink,
  "31": "#ff6b6b",
  "32": "#5bd38d",
  "33": "#e5c07b",
  "36": "#4fc3d9",
};

function colorOf({ color }: Look): string {
  const rgb = /^38;2;(\d+);(\d+);(\d+)$/.exec(color);
  return rgb === null ? (named[color] ?? ink) : `rgb(${rgb.slice(1).join(",")})`;
}

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const round = (value: number): string => String(Math.round(value * 100) / 100);

type BarLook = { readonly color: string; readonly dim: boolean };

/** Draws a progress bar as shapes, because fonts leave gaps between its characters. */
function bar(text: string, x: number, y: number, { color, dim }: BarLook): string {
  const thick = /[━╸]/.test(text);
  const half = text.endsWith("╸") ? 0.5 : 0;
  const height = thick ? 4 : 2;
  const middle = y - cell.height * 0.26 - height / 2;
  const width = (text.length - half) * cell.width;
  return `<rect x="${round(x)}" y="${round(middle)}" width="${round(width)}" height="${height}" fill="${color}"${dim ? ' opacity=".25"' : ""}/>`;
}

function run(text: string, column: number, y: number, look: Look): string {
  const color = colorOf(look);
  const parts = text.matchAll(/[━╸]+|─+|[^━╸─]+/g);
  return [...parts]
    .map((part) => {
      const x = (column + part.index) * cell.width;
      if (/[━╸─]/.test(part[0])) return bar(part[0], x, y, { color, dim: look.dim });
      const start = part[0].length - part[0].trimStart().length;
      const shown = part[0].trim();
      if (shown === "") return "";
      const weight = look.bold ? ' font-weight="700"' : "";
      const fade = look.dim ? ' opacity=".6"' : "";
      const length = round(shown.length * cell.width);
      return `<text x="${round(x + start * cell.width)}" y="${round(y)}" fill="${color}" textLength="${length}"${weight}${fade}>${escaped(shown)}</text>`;
    })
    .join("");
}

const frame = ({ rows }: Shot, top: number): string =>
  rows
    .map((runs, r) =>
      runs
        .map(({ text, column, look }) => run(text, column, top + (r + 1) * cell.height, look))
        .join(""),
    )
    .join("");

/** Keyframes of the strip, in percent of the total time. */
function keyframes(shots: readonly Shot[], totalMs: number, step: number): string {
  const stops = shots.map(
    ({ at }, i) => `${round((100 * at) / totalMs)}%{transform:translateY(${round(-i * step)}px)}`,
  );
  return `${stops.join("")}100%{transform:translateY(${round(-(shots.length - 1) * step)}px)}`;
}

/** @param shots in order of time; the first is at 0 ms */
export function animatedSvg(shots: readonly Shot[], options: SvgOptions): string {
  const inner = { width: options.columns * cell.width, height: (options.rows + 0.5) * cell.height };
  const width = round(inner.width + 2 * margin.side);
  const height = round(inner.height + margin.top + margin.bottom);
  const totalMs = (shots.at(-1)?.at ?? 0) + options.holdMs;
  // Where nothing moves, the last frame is shown.
  const last = round(-(shots.length - 1) * inner.height);
  const strip = shots.map((shot, i) => frame(shot, i * inner.height));
  return `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(options.label)}">
<style>
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}
.strip{animation:film ${Math.round(totalMs)}ms steps(1,end) infinite}
@keyframes film{${keyframes(shots, totalMs, inner.height)}}
@media (prefers-reduced-motion:reduce){.strip{animation:none}}
</style>
<rect width="100%" height="100%" rx="9" fill="${ground}"/>
<circle cx="20" cy="18" r="6" fill="#ff5f57"/><circle cx="40" cy="18" r="6" fill="#febc2e"/><circle cx="60" cy="18" r="6" fill="#28c840"/>
<svg x="${margin.side}" y="${margin.top}" width="${round(inner.width)}" height="${round(inner.height)}">
<g class="strip" transform="translate(0,${last})">
${strip.join("\n")}
</g>
</svg>
</svg>
`;
}
