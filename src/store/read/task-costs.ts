// What tasks have cost: the columns of one task, and a run's tasks by their definitions.

import { Date } from "../../base/globals.ts";
import type { RunId } from "../../protocol/ids.ts";
import { definitionIn, definitionSql } from "../definition-of-key.ts";
import { ofRun } from "../own-tables.ts";
import type { Reader, Row } from "./reader.ts";
import { number } from "./stored-values.ts";

export type TaskCosts = {
  /** Rows that it has written; null where an earlier version of pipeloom ran it. */
  readonly rows: number | null;
  /** CPU time of the last attempt; null where it was not measured. */
  readonly cpuMs: number | null;
  /** From the moment when it could run until its first attempt began; 0 for less than 100 ms; null where it is not known. */
  readonly waitedMs: number | null;
};

/** The tasks of a definition that have begun. */
export type DefinitionCosts = {
  readonly name: string;
  readonly tasks: number;
  /** Of the last attempts of tasks that have ended; null where none has. */
  readonly medianMs: number | null;
  readonly maxMs: number | null;
  readonly rows: number | null;
  /** Of those tasks whose CPU time was measured; null where none was. */
  readonly cpuMs: number | null;
  readonly cpuTasks: number;
  readonly medianWaitedMs: number | null;
  readonly maxWaitedMs: number | null;
};

/** For a `SELECT` of task_runs. Files of earlier versions do not have these columns. */
export function costColumns(reader: Reader): string {
  const found = reader.query(
    "SELECT name FROM pragma_table_info('task_runs') WHERE name IN ('rows', 'cpu_ms', 'waited_ms')",
  );
  return found.length === 3
    ? "rows, cpu_ms, waited_ms"
    : "NULL AS rows, NULL AS cpu_ms, NULL AS waited_ms";
}

export const costsOf = (row: Row): TaskCosts => ({
  rows: number(row["rows"]),
  cpuMs: number(row["cpu_ms"]),
  waitedMs: number(row["waited_ms"]),
});

/** In the order of their first tasks. Reads every task of the run. */
export function definitionCosts(reader: Reader, run: RunId): readonly DefinitionCosts[] {
  const groups = new Map<string, Group>();
  const { rows } = reader.iterate(
    `SELECT ${definitionSql} AS definition, started_at, finished_at, ${costColumns(reader)} FROM task_runs
      WHERE ${ofRun("?1")} AND started_at IS NOT NULL AND attempt > 0 ORDER BY run_id, id`,
    [run],
  );
  for (const row of rows) {
    const name = definitionIn(row["definition"]);
    let group = groups.get(name);
    if (group === undefined) groups.set(name, (group = new Group()));
    group.add(row);
  }
  return Array.from(groups, ([name, group]) => ({ name, ...group.costs }));
}

class Group {
  #tasks = 0;
  #cpuMs = 0;
  #cpuTasks = 0;
  #rows: number | null = null;
  readonly #durations: number[] = [];
  readonly #waits: number[] = [];

  add(row: Row): void {
    this.#tasks++;
    const { rows, cpuMs, waitedMs } = costsOf(row);
    if (rows !== null) this.#rows = (this.#rows ?? 0) + rows;
    if (waitedMs !== null) this.#waits.push(waitedMs);
    if (cpuMs !== null) {
      this.#cpuMs += cpuMs;
      this.#cpuTasks++;
    }
    const ms = Date.parse(String(row["finished_at"])) - Date.parse(String(row["started_at"]));
    if (ms >= 0) this.#durations.push(ms);
  }

  get costs(): Omit<DefinitionCosts, "name"> {
    const durations = this.#durations.toSorted((a, b) => a - b);
    const waits = this.#waits.toSorted((a, b) => a - b);
    return {
      tasks: this.#tasks,
      medianMs: medianOf(durations),
      maxMs: durations.at(-1) ?? null,
      rows: this.#rows,
      cpuMs: this.#cpuTasks === 0 ? null : this.#cpuMs,
      cpuTasks: this.#cpuTasks,
      medianWaitedMs: medianOf(waits),
      maxWaitedMs: waits.at(-1) ?? null,
    };
  }
}

/** The lower one of two in the middle. */
const medianOf = (sorted: readonly number[]): number | null =>
  sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
