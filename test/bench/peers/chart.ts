// Draws the report as bars from zero, with a ground of its own as .github/demo.svg has: readable on light and dark pages.

import { join } from "node:path";

import { escaped } from "../../support/svg.ts";
import { thousands } from "../kit.ts";
import type { Report, Result } from "./measured.ts";
import { peerNames } from "./sides.ts";

export const chartFile = join(import.meta.dir, "../../../.github/peers.svg");

const size = { width: 708, left: 142, bars: 450, bar: 13, gap: 3, between: 11, title: 40 };
const color = {
  ground: "#14161b",
  ink: "#d7dae0",
  quiet: "#9aa0ab",
  ours: "#5bd38d",
  theirs: "#4fc3d9",
};

type Panel = { readonly title: string; readonly value: (result: Result) => number | null };

const panels: readonly Panel[] = [
  { title: "tasks that do nothing, per second", value: (result) => result.tasksPerSecond },
  { title: "rows stored by tasks, per second", value: (result) => result.rowsPerSecond },
];

function text(x: number, y: number, said: string, fill: string = color.ink): string {
  return `<text x="${x}" y="${y}" fill="${fill}">${escaped(said)}</text>`;
}

function bars(results: readonly Result[], { title, value }: Panel, top: number) {
  const most = Math.max(...results.map((result) => value(result) ?? 0));
  const parts = [`<text x="18" y="${top}" fill="${color.ink}" class="title">${title}</text>`];
  let y = top + 14;
  for (const peer of peerNames) {
    const sides = results.filter((result) => result.peer === peer && value(result) !== null);
    if (sides.length === 0) continue;
    parts.push(text(18, y + size.bar + 4, peer));
    for (const result of sides) {
      const shown = value(result) ?? 0;
      const width = Math.max(1, Math.round((shown / most) * size.bars));
      const fill = peer === "pipeloom" ? color.ours : color.theirs;
      const pale = result.promised === "process" ? ' opacity=".45"' : "";
      parts.push(
        `<rect x="${size.left}" y="${y}" width="${width}" height="${size.bar}" rx="2" fill="${fill}"${pale}/>`,
        text(size.left + width + 8, y + size.bar - 2, thousands(shown), color.quiet),
      );
      y += size.bar + size.gap;
    }
    y += size.between;
  }
  return { parts, bottom: y };
}

export function chart(report: Report): string {
  const parts: string[] = [];
  let top = 32;
  for (const panel of panels) {
    const drawn = bars(report.results, panel, top);
    parts.push(...drawn.parts);
    top = drawn.bottom + 20;
  }
  const { processor = "", cores = "" } = report.machine;
  parts.push(
    `<rect x="18" y="${top - 11}" width="12" height="12" rx="2" fill="${color.theirs}"/>`,
    text(36, top, "what is done survives a power cut", color.quiet),
    `<rect x="312" y="${top - 11}" width="12" height="12" rx="2" fill="${color.theirs}" opacity=".45"/>`,
    text(330, top, "survives the end of the program only", color.quiet),
    text(
      18,
      top + 22,
      `${report.date}, ${cores} cores, ${processor}, median of ${report.rounds}`,
      color.quiet,
    ),
  );
  const height = top + size.title;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${height}" width="${size.width}" height="${height}" role="img" aria-label="pipeloom beside graphile-worker, BullMQ and plainjob: tasks and rows per second">
<style>text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}.title{font-weight:700}</style>
<rect width="100%" height="100%" rx="9" fill="${color.ground}"/>
${parts.join("\n")}
</svg>
`;
}
