// How many rows a run had written by when. The rows of a task count from its end on: that is when they were committed at the latest.

import type { Asked } from "../asked.ts";
import type { RowsView } from "../contract-data.ts";
import type { RunIndex } from "../index/run-index.ts";
import { endOf, extentAt } from "../index/run-times.ts";
import type { TaskChunk } from "../index/task-columns.ts";
import type { PageDatabase } from "../page-database.ts";
import { indexedRun } from "./of-tasks.ts";

/** More than pixels is of no use. */
const parts = 240;
/** A plot with more lines cannot be read. */
const maxLines = 6;

/** @throws NotFound, ReaderError */
export async function rowsView(database: PageDatabase, { ids }: Asked): Promise<RowsView> {
  const { index, about } = await indexedRun(database, ids[0] ?? 0);
  return { ...about, ...index.memo("rows over time", () => rowsOverTime(index)) };
}

function rowsOverTime(index: RunIndex): Pick<RowsView, "times" | "lines"> {
  const extent = extentAt(index, undefined);
  if (extent === undefined) return { times: [], lines: [] };
  const { from, to } = extent;
  // A run of no time would divide by 0.
  const partMs = Math.max(to - from, 1) / parts;
  const byDefinition = new Map<number, Float64Array>();
  for (const chunk of index.columns.chunks) {
    for (let slot = 0; slot < chunk.rows.length; slot++) {
      const rows = chunk.rows[slot] ?? Number.NaN;
      if (!(rows > 0)) continue;
      const at = Math.ceil((timeOf(chunk, slot, to) - from) / partMs);
      addTo(byDefinition, chunk.definition[slot] ?? 0, Math.min(Math.max(at, 0), parts), rows);
    }
  }
  const times = Array.from({ length: parts + 1 }, (_, i) => from + i * partMs);
  return { times, lines: linesOf(byDefinition, index.definitions) };
}

/** A task that runs has committed rows at a checkpoint. */
function timeOf(chunk: TaskChunk, slot: number, openEnd: number): number {
  const end = endOf(chunk, slot, openEnd);
  return Number.isNaN(end) ? openEnd : end;
}

function addTo(all: Map<number, Float64Array>, key: number, at: number, rows: number): void {
  let line = all.get(key);
  if (line === undefined) all.set(key, (line = new Float64Array(parts + 1)));
  line[at] = (line[at] ?? 0) + rows;
}

function linesOf(
  byDefinition: ReadonlyMap<number, Float64Array>,
  names: readonly string[],
): RowsView["lines"] {
  const all = [...byDefinition].map(([key, added]) => ({
    name: names[key] ?? "",
    rows: summed(added),
  }));
  const sorted = all.toSorted((a, b) => (b.rows.at(-1) ?? 0) - (a.rows.at(-1) ?? 0));
  if (sorted.length <= maxLines) return sorted;
  const others = sorted.slice(maxLines - 1);
  const rows = Array.from({ length: parts + 1 }, (_, i) =>
    others.reduce((sum, line) => sum + (line.rows[i] ?? 0), 0),
  );
  return [...sorted.slice(0, maxLines - 1), { name: `${others.length} others`, rows }];
}

function summed(added: Float64Array): number[] {
  let sum = 0;
  return Array.from(added, (rows) => (sum += rows));
}
