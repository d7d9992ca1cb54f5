// What was measured, as it is kept in measured.json, and how it is said.

import { join } from "node:path";

import { medianOf } from "../figure.ts";
import { thousands } from "../kit.ts";
import type { PeerName, Promised, Sample } from "./sides.ts";

export const measuredFile = join(import.meta.dir, "measured.json");

export type WorkName = "tasks" | "rows" | "first";

/** One measurement, as a file of `--samples` keeps it. */
export type Taken = Sample & {
  readonly peer: PeerName;
  readonly promised: Promised;
  readonly work: WorkName;
};

export type Result = {
  readonly peer: PeerName;
  readonly promised: Promised;
  readonly tasksPerSecond: number;
  /** Lowest and highest of the rounds. */
  readonly tasksSpread: readonly [number, number];
  /** `null` where the peer has no table that a task could write to. */
  readonly rowsPerSecond: number | null;
  readonly rowsSpread: readonly [number, number] | null;
  /** A command that runs one task, from its start to its exit. The server runs already. */
  readonly oneTaskMs: number;
  /** While the tasks ran. */
  readonly peakMb: number;
};

export type Report = {
  readonly date: string;
  readonly repeat: string;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly tasks: number;
  readonly rowTasks: number;
  readonly rowsPerTask: number;
  readonly rounds: number;
  readonly results: readonly Result[];
};

/** To two digits: what differs below that is the machine. */
const rounded = (value: number): number => Number(value.toPrecision(2));

function rate(samples: readonly Taken[], count: number) {
  const perSecond = samples.map(({ ms }) => (count / ms) * 1000);
  return {
    median: rounded(medianOf(perSecond, (value) => value)),
    spread: [rounded(Math.min(...perSecond)), rounded(Math.max(...perSecond))] as const,
  };
}

export function resultsOf(
  taken: readonly Taken[],
  { tasks, rows }: { readonly tasks: number; readonly rows: number },
): Result[] {
  const sides = Map.groupBy(taken, ({ peer, promised }) => `${peer} ${promised}`);
  return [...sides.values()].flatMap((samples) => {
    const [first] = samples;
    if (first === undefined) return [];
    const of = (name: WorkName): Taken[] => samples.filter(({ work }) => work === name);
    const byTasks = rate(of("tasks"), tasks);
    const byRows = of("rows").length === 0 ? undefined : rate(of("rows"), rows);
    return {
      peer: first.peer,
      promised: first.promised,
      tasksPerSecond: byTasks.median,
      tasksSpread: byTasks.spread,
      rowsPerSecond: byRows?.median ?? null,
      rowsSpread: byRows?.spread ?? null,
      oneTaskMs: rounded(medianOf(of("first"), ({ wallMs }) => wallMs)),
      peakMb: rounded(medianOf(of("tasks"), ({ peakMb }) => peakMb)),
    };
  });
}

const list = (items: readonly string[]): string =>
  items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;

/** The sentence of the README; a test holds the two together. */
export function sentence({ results, tasks, rowsPerTask }: Report): string {
  const synced = results.filter(({ promised }) => promised === "power");
  const byTasks = synced.map(({ peer, tasksPerSecond }) => `${peer} ${thousands(tasksPerSecond)}`);
  const byRows = synced.flatMap(({ peer, rowsPerSecond }) =>
    rowsPerSecond === null ? [] : `${peer} ${thousands(rowsPerSecond)}`,
  );
  return (
    `Of ${thousands(tasks)} tasks that do nothing, ${list(byTasks)} are enqueued, run and stored as done each second. ` +
    `Of rows, ${thousands(rowsPerTask)} a task, ${list(byRows)} are stored each second.`
  );
}

const span = (spread: readonly [number, number] | null): string =>
  spread === null ? "" : ` (${spread.map(thousands).join("–")})`;

export function reportTable({ results }: Report): string {
  const rows = results.map((result) => [
    result.peer,
    result.promised === "power" ? "a power cut" : "its own end",
    thousands(result.tasksPerSecond) + span(result.tasksSpread),
    result.rowsPerSecond === null
      ? "no table"
      : thousands(result.rowsPerSecond) + span(result.rowsSpread),
    `${thousands(result.oneTaskMs)} ms`,
    `${thousands(result.peakMb)} MB`,
  ]);
  const heads = ["", "survives", "tasks/s", "rows/s", "one task", "memory"];
  const all = [heads, ...rows];
  const widths = heads.map((_, column) =>
    Math.max(...all.map((row) => (row[column] ?? "").length)),
  );
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
