// The changes of one row in `pipeline_runs`: how many tasks the run has, their counts, its graph, and its end.

import type { Database, Statement } from "bun:sqlite";

import { JSON } from "../../base/globals.ts";
import { toIso } from "../../base/iso-time.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { BusyHandler } from "../busy-handler.ts";
import type { HistoryCell } from "./bulk-insert.ts";
import { writeDurations } from "./durations.ts";
import type { RunEnd } from "./history.ts";

export class RunChanges {
  readonly #db: Database;
  readonly #run: RunId;
  readonly #busyHandler: BusyHandler;
  readonly #counts: Statement<unknown, [string, number]>;
  #total: number | undefined;
  /** Until it is committed: it comes once. */
  #graph: string | undefined;
  #end: RunEnd | undefined;

  constructor(db: Database, run: RunId, busyHandler: BusyHandler) {
    this.#db = db;
    this.#run = run;
    this.#busyHandler = busyHandler;
    this.#counts = db.prepare("UPDATE pipeline_runs SET counts = ? WHERE id = ?");
  }

  get isEmpty(): boolean {
    return [this.#total, this.#graph, this.#end].every((change) => change === undefined);
  }

  /** The next flush writes the end of the run. */
  get isEnding(): boolean {
    return this.#end !== undefined;
  }

  setTotal(total: number): void {
    this.#total = total;
  }

  setGraph(graph: string): void {
    this.#graph = graph;
  }

  setEnd(end: RunEnd): void {
    this.#end = end;
  }

  /** Written now. @param counts JSON text */
  storeCounts(counts: string): void {
    this.#busyHandler.run(() => this.#counts.run(counts, this.#run));
  }

  flush(): void {
    const [total, graph, end] = [this.#total, this.#graph, this.#end];
    if (total !== undefined) this.#update("tasks_total = ?", total);
    if (graph !== undefined) this.#update("graph = ?", graph);
    if (end !== undefined) this.#writeEnd(end);
    this.discard();
  }

  #writeEnd({ status, failure, at, durations }: RunEnd): void {
    const error = failure === null ? null : JSON.stringify(failure);
    this.#update("status = ?, finished_at = ?, error = ?", status, toIso(at), error);
    if (durations === undefined) return;
    this.#busyHandler.run(() => writeDurations(this.#db, this.#run, durations));
  }

  #update(set: string, ...values: readonly HistoryCell[]): void {
    this.#busyHandler.run(() =>
      this.#db.run(`UPDATE pipeline_runs SET ${set} WHERE id = ?`, [...values, this.#run]),
    );
  }

  committed(): void {
    this.#graph = undefined;
  }

  discard(): void {
    this.#total = undefined;
    this.#end = undefined;
  }

  close(): void {
    this.#counts.finalize();
  }
}
