// A run's tasks by their definitions.

import { taskStatuses } from "../../protocol/status.ts";
import { type Counts, noTasks } from "../../store/read/task-counts.ts";
import type { Asked } from "../asked.ts";
import type { DefinitionSummary, DefinitionsView } from "../contract.ts";
import type { RunIndex } from "../index/run-index.ts";
import { noStatus, type TaskChunk } from "../index/task-columns.ts";
import type { PageDatabase } from "../page-database.ts";
import { indexedRun } from "./of-tasks.ts";

export async function definitionsView(
  database: PageDatabase,
  { ids }: Asked,
): Promise<DefinitionsView> {
  const { index, isDead, about } = await indexedRun(database, ids[0] ?? 0);
  const summaries = index.memo("definitions", () => summariesOf(index));
  const definitions = isDead ? summaries.map(interrupted) : summaries;
  return { ...about, definitions };
}

const interrupted = (summary: DefinitionSummary): DefinitionSummary => ({
  ...summary,
  counts: { ...summary.counts, running: 0, interrupted: summary.counts.running },
});

function summariesOf({ definitions, columns }: RunIndex): readonly DefinitionSummary[] {
  const groups = definitions.map(() => new Group());
  for (const chunk of columns.chunks) {
    for (let slot = 0; slot < chunk.status.length; slot++) {
      if (chunk.status[slot] !== noStatus) groups[chunk.definition[slot] ?? 0]?.add(chunk, slot);
    }
  }
  return groups.flatMap((group, i) =>
    group.tasks === 0 ? [] : [{ name: definitions[i] ?? "", ...group.summary }],
  );
}

class Group {
  tasks = 0;
  readonly #counts = Array.from(taskStatuses, () => 0);
  #rows: number | null = null;
  #cpuMs = 0;
  #cpuTasks = 0;
  readonly #durations = new Numbers();
  readonly #waits = new Numbers();

  add(chunk: TaskChunk, slot: number): void {
    this.tasks++;
    const status = chunk.status[slot] ?? 0;
    this.#counts[status] = (this.#counts[status] ?? 0) + 1;
    const rows = chunk.rows[slot] ?? Number.NaN;
    if (!Number.isNaN(rows)) this.#rows = (this.#rows ?? 0) + rows;
    const cpuMs = chunk.cpuMs[slot] ?? -1;
    if (cpuMs >= 0) {
      this.#cpuMs += cpuMs;
      this.#cpuTasks++;
    }
    const waitedMs = chunk.waitedMs[slot] ?? -1;
    if (waitedMs >= 0) this.#waits.add(waitedMs);
    const ms = chunk.durationMs(slot);
    if (ms >= 0) this.#durations.add(ms);
  }

  get summary(): Omit<DefinitionSummary, "name"> {
    const durations = this.#durations.sorted();
    const waits = this.#waits.sorted();
    return {
      tasks: this.tasks,
      counts: this.#seen(),
      medianMs: quantile(durations, 0.5),
      p95Ms: quantile(durations, 0.95),
      maxMs: durations.at(-1) ?? null,
      rows: this.#rows,
      cpuMs: this.#cpuTasks === 0 ? null : this.#cpuMs,
      cpuTasks: this.#cpuTasks,
      medianWaitedMs: quantile(waits, 0.5),
      maxWaitedMs: waits.at(-1) ?? null,
    };
  }

  #seen(): Counts {
    const counts = { ...noTasks };
    for (const [i, status] of taskStatuses.entries()) counts[status] = this.#counts[i] ?? 0;
    return counts;
  }
}

/** The least one that this part of them does not exceed; of two in the middle, the lower one. */
const quantile = (sorted: Float64Array, part: number): number | null =>
  sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? null;

/** An array of a million numbers would be sorted as objects. */
class Numbers {
  #values = new Float64Array(64);
  #length = 0;

  add(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  sorted(): Float64Array {
    return this.#values.subarray(0, this.#length).toSorted();
  }
}
