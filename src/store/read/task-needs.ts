// What a task has waited for: the tasks and the fan-outs, and how they ended. Reads a few rows, also of a fan-in of a million.

import type { Failure } from "../../base/failure.ts";
import { JSON } from "../../base/globals.ts";
import type { RunId, TaskId } from "../../protocol/ids.ts";
import { needsIn, type StoredNeeded } from "../../protocol/needs.ts";
import type { GraphEdge, RunGraph } from "../../protocol/run-graph.ts";
import type { TaskStatus } from "../../protocol/status.ts";
import { definitionSql } from "../definition-of-key.ts";
import { ofRunWith } from "../own-tables.ts";
import { isOnEngine } from "./machine-names.ts";
import type { Reader, Row } from "./reader.ts";
import { itemColumns, storedLabel } from "./stored-item.ts";
import { failure, number, storedTaskId, storedTaskStatus, text } from "./stored-values.ts";

/** A task that is needed. */
export type NeededTask = {
  readonly id: TaskId;
  readonly name: string;
  readonly label: string | null;
  readonly status: TaskStatus;
  readonly failure: Failure | null;
  /** Its result is read; otherwise it is only waited for. */
  readonly isRead: boolean;
};

/** A fan-out that is needed, or whose item the task is. */
export type NeededFanOut = {
  /** `each:…`, of the graph. */
  readonly id: string;
  /** Definitions and fan-outs that yield its list; none for a list in the pipeline file. */
  readonly over: readonly string[];
  /** Definitions whose tasks are the results of its items. */
  readonly yields: readonly string[];
  readonly items: number | null;
  readonly isRead: boolean;
  /** Of the run's tasks of these definitions: how many failed, and the first of them. */
  readonly failed: number;
  readonly firstFailed: NeededTask | null;
  readonly running: number;
};

export type TaskNeeds = {
  /** In a run with an engine: the tags of the workers that may run it. */
  readonly tags: readonly string[];
  readonly tasks: readonly NeededTask[];
  /** Tasks that are needed and not listed; with `isCut`, at least. */
  readonly more: number;
  readonly isCut: boolean;
  readonly fanOuts: readonly NeededFanOut[];
  /** The task may be an item of these. */
  readonly itemOf: readonly Pick<NeededFanOut, "id" | "over">[];
};

const maxListed = 20;
/** Skipped tasks that are followed back to the failure. */
const maxFollowed = 100;

export class NeedsReader {
  readonly #reader: Reader;
  readonly #run: RunId;
  readonly #graph: RunGraph;

  constructor(reader: Reader, run: RunId, graph: RunGraph) {
    this.#reader = reader;
    this.#run = run;
    this.#graph = graph;
  }

  /** @param needs `task_runs.needs` @param definition of the task */
  of(needs: string | null, definition: string): TaskNeeds {
    const { reads, after, tags, isCut } = needsIn(needs ?? "");
    const [read, others] = [this.#tasks(reads, true), this.#tasks(after, false)];
    const tasks = [...read, ...others].slice(0, maxListed);
    return {
      tags: isOnEngine(this.#reader, this.#run) ? tags : [],
      tasks,
      more: countOf(reads) + countOf(after) - tasks.length,
      isCut,
      fanOuts: [
        ...reads.fanOuts.map((id) => this.#fanOut(id, true)),
        ...after.fanOuts.map((id) => this.#fanOut(id, false)),
      ],
      itemOf: this.#into(definition, "item").map((id) => ({ id, over: this.#over(id) })),
    };
  }

  /** Those that have not succeeded come first. */
  #tasks(needed: StoredNeeded, isRead: boolean): NeededTask[] {
    if (needed.ranges.length === 0) return [];
    const rows =
      countOf(needed) <= maxInList
        ? this.#rows("run_id = ?1 AND id IN (SELECT value FROM json_each(?2))", idsIn(needed))
        : (["error", "running"] as const).flatMap((status) =>
            this.#rows(
              `${ofRunWith("?1", status)} AND
                EXISTS (SELECT 1 FROM json_each(?2) WHERE id BETWEEN value ->> 0 AND value ->> 1)
                ORDER BY run_id, id LIMIT ${maxListed}`,
              JSON.stringify(needed.ranges),
            ),
          );
    return rows
      .map((row) => this.#needed(row, isRead))
      .toSorted((a, b) => urgency(a) - urgency(b) || a.id - b.id)
      .slice(0, maxListed);
  }

  #rows(where: string, param: string | number): Row[] {
    return this.#reader.query(
      `SELECT id, name, status, error, ${itemColumns(this.#reader)} FROM task_runs WHERE ${where}`,
      [this.#run, param],
    );
  }

  #needed(row: Row, isRead: boolean): NeededTask {
    return {
      id: storedTaskId(row["id"], this.#reader),
      name: String(row["name"]),
      label: storedLabel(row),
      status: storedTaskStatus(row["status"], this.#reader),
      failure: row["error"] === null ? null : failure(row["error"]),
      isRead,
    };
  }

  // ── fan-outs ──

  #fanOut(id: string, isRead: boolean): NeededFanOut {
    const node = this.#graph.nodes.find((each) => each.id === id);
    const yields = this.#into(id, "result");
    const failed = this.#open(yields, "error");
    return {
      id,
      over: this.#over(id),
      yields,
      items: node?.kind === "each" ? node.items : null,
      isRead,
      failed: failed.count,
      firstFailed: failed.first === undefined ? null : this.#needed(failed.first, isRead),
      running: this.#open(yields, "running").count,
    };
  }

  /** Few tasks run or have failed. */
  #open(definitions: readonly string[], status: "error" | "running"): Open {
    const where = `${ofRunWith("?1", status)} AND
      (${definitionSql} IN (SELECT value || ':' FROM json_each(?2)) OR key IN (SELECT value FROM json_each(?2)))`;
    const names = JSON.stringify(definitions);
    const count = `SELECT COUNT(*) AS n FROM task_runs WHERE ${where}`;
    return {
      count: number(this.#reader.query(count, [this.#run, names])[0]?.["n"]) ?? 0,
      first: this.#rows(`${where} ORDER BY run_id, id LIMIT 1`, names)[0],
    };
  }

  #over(fanOut: string): string[] {
    return this.#into(fanOut, "input");
  }

  #into(to: string, kind: GraphEdge["kind"]): string[] {
    return this.#graph.edges
      .filter((edge) => edge.to === to && edge.kind === kind)
      .map(({ from }) => from);
  }

  // ── the first cause ──

  /** The tasks that failed: the others were skipped because of them. */
  failuresBehind(needs: TaskNeeds): readonly NeededTask[] {
    const seen = new Set<number>();
    for (let behind = tasksBehind(needs); ;) {
      const failed = behind.filter(hasFailed);
      const skipped = behind.filter(({ id, status }) => status === "skipped" && !seen.has(id));
      if (failed.length > 0 || skipped.length === 0 || seen.size >= maxFollowed) {
        return [...new Map(failed.map((each) => [each.id, each])).values()];
      }
      for (const { id } of skipped) seen.add(id);
      behind = skipped.flatMap(({ id }) => tasksBehind(this.of(this.#needsOf(id), "")));
    }
  }

  #needsOf(id: TaskId): string | null {
    const sql = "SELECT needs FROM task_runs WHERE run_id = ? AND id = ?";
    return text(this.#reader.query(sql, [this.#run, id])[0]?.["needs"]);
  }
}

type Open = { readonly count: number; readonly first: Row | undefined };

/** More ids are looked for in their range, and only those that failed or run. */
const maxInList = 1000;

/** The tasks, and the first of each fan-out that failed. */
const tasksBehind = ({ tasks, fanOuts }: TaskNeeds): readonly NeededTask[] => [
  ...tasks,
  ...fanOuts.flatMap(({ firstFailed }) => firstFailed ?? []),
];

const countOf = ({ ranges }: StoredNeeded): number =>
  ranges.reduce((sum, [first, last]) => sum + Math.max(0, last - first + 1), 0);

/** JSON text. */
const idsIn = ({ ranges }: StoredNeeded): string =>
  JSON.stringify(
    ranges.flatMap(([first, last]) =>
      Array.from({ length: last - first + 1 }, (_, i) => first + i),
    ),
  );

/** The lower comes first. */
function urgency({ status }: NeededTask): number {
  if (status === "error" || status === "cancelled") return 0;
  return status === "done" ? 2 : 1;
}

const hasFailed = ({ status }: NeededTask): boolean => status === "error" || status === "cancelled";
