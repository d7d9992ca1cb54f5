// Finds tasks by name. Names have no index: it would cost each task. They are looked for at both ends of the run first, and its
// graph says how many there are to find.

import type { RunId } from "../../protocol/ids.ts";
import { type RunGraph, tasksIn } from "../../protocol/run-graph.ts";
import { nameInKey } from "../../protocol/task-key.ts";
import type { Queries } from "../queries.ts";
import { storedTotal } from "./task-counts.ts";

/** Tasks of one end of a run: a name is mostly near the beginning, or it is the last task. */
const maxScanned = 20_000;

export class NamedTasks {
  readonly #db: Queries;
  readonly #run: RunId;
  readonly #graph: RunGraph;

  constructor(db: Queries, run: RunId, graph: RunGraph) {
    this.#db = db;
    this.#run = run;
    this.#graph = graph;
  }

  /**
   * @param most ids
   * @param byDefinition also the tasks of the definition of this name, whatever their own names are
   */
  ids(name: string, most: number, byDefinition: boolean): number[] {
    const count = Math.min(most, this.#count(name, byDefinition) ?? Number.POSITIVE_INFINITY);
    const found = new Set<number>();
    for (const source of ["first", "last", "all"] as const) {
      if (found.size >= count) break;
      for (const id of this.#look(source, name, most, byDefinition)) found.add(id);
    }
    return [...found].toSorted((a, b) => a - b).slice(0, most);
  }

  /**
   * Where no task has it as its name: whether it may be a title or a label. Those that are made of the members of an input have a
   * `=`, or a mark where it was cut out.
   */
  mayBeTitle(text: string): boolean {
    return this.#graph.labels !== "members" || !this.#hasAll || /[=…]/.test(text);
  }

  #look(source: "first" | "last" | "all", name: string, most: number, byDefinition: boolean) {
    const order = source === "last" ? "DESC" : "ASC";
    const tasks =
      source === "all"
        ? "task_runs WHERE run_id = ?1"
        : `(SELECT id, name, key FROM task_runs WHERE run_id = ?1 ORDER BY id ${order} LIMIT ${maxScanned}) WHERE true`;
    const isNamed = byDefinition
      ? "(name = ?2 OR substr(key, 1, length(?4) + 1) = ?4 || ':')"
      : "(name = ?2 AND ?4 IS NOT NULL)";
    return this.#db
      .query(`SELECT id FROM ${tasks} AND ${isNamed} LIMIT ?3`, [
        this.#run,
        name,
        most,
        nameInKey(name),
      ])
      .map((row) => Number(row["id"]));
  }

  /** Undefined where only the tasks themselves can say it. */
  #count(name: string, byDefinition: boolean): number | undefined {
    const { nodes } = this.#graph;
    if (!this.#hasAll) return undefined;
    let count = 0;
    for (const node of nodes) {
      if (node.kind !== "task") continue;
      const { names = [], hasMoreNames } = node;
      if (byDefinition && node.id === nameInKey(name)) return node.tasks;
      if (hasMoreNames === true) return undefined;
      count += names.find(([own]) => own === name)?.[1] ?? 0;
      const named = names.reduce((sum, [, tasks]) => sum + tasks, 0);
      if (node.id === nameInKey(name)) count += node.tasks - named;
    }
    return count;
  }

  /** The graph has each task of the file: earlier sessions may have planned others, and one that goes on plans more. */
  get #hasAll(): boolean {
    if (this.#graph.isCut === true) return false;
    return storedTotal(this.#db, this.#run) === tasksIn(this.#graph);
  }
}
