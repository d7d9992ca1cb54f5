// Rows of tasks that are done. The statements contain what most of them have in common: each value that is bound costs time.

import type { Database } from "bun:sqlite";

import type { RunId, TaskId, WorkerId } from "../../protocol/ids.ts";
import type { BusyHandler } from "../busy-handler.ts";
import { BulkInsert, type HistoryCell } from "./bulk-insert.ts";
import { taskRowsSql } from "./task-rows-sql.ts";

/** What most tasks have not; null where there is nothing of it. */
type More = {
  readonly rows: number;
  readonly cpuMs: number | null;
  /** Null: not known. */
  readonly waitedMs: number | null;
  readonly label: string | null;
  readonly needs: string | null;
  readonly worker: WorkerId | null;
  /** Its number. Null: this one. */
  readonly machine: number | null;
};

export class DoneRows {
  readonly #insert: (row: string) => BulkInsert;
  readonly #run: RunId;
  /** The rows end with the machine. */
  readonly #hasMachines: boolean;
  /** Tasks whose first attempt has cost nothing, and whose position is their id. */
  readonly #plain: BulkInsert;
  /** The same of tasks with another position. */
  #positioned: BulkInsert | undefined;
  /** The others. Most runs of short tasks have none. */
  #others: BulkInsert | undefined;

  constructor(db: Database, run: RunId, busyHandler: BusyHandler, hasMachines: boolean) {
    const sql = taskRowsSql(hasMachines);
    this.#insert = (values) => new BulkInsert(db, busyHandler, sql, this.#row(values));
    this.#run = run;
    this.#hasMachines = hasMachines;
    this.#plain = this.#insert(this.#plainRow("0"));
  }

  #row(values: string): string {
    return `(${this.#run}, ${values}${this.#hasMachines ? ", ?" : ""})`;
  }

  #plainRow(position: "0" | "?"): string {
    return `?, ?, ?, 'done', 1, NULL, 1, ?, ?, ?, NULL, 0, NULL, 0, ?, NULL, NULL, NULL, ${position}`;
  }

  // The hot path takes no object.
  // oxlint-disable-next-line max-params
  addPlain(
    id: TaskId,
    name: string,
    key: string,
    started: string,
    finished: string,
    result: string,
    input: string | null,
    position: number,
    machine: number | null,
  ): void {
    let row: HistoryCell[];
    if (position === 0) {
      row = this.#plain.nextRow();
      row.push(id, name, key, started, finished, result, input);
    } else {
      this.#positioned ??= this.#insert(this.#plainRow("?"));
      row = this.#positioned.nextRow();
      row.push(id, name, key, started, finished, result, input, position);
    }
    if (this.#hasMachines) row.push(machine);
  }

  /** @param cells id, name, key, attempt, started, finished, result */
  add(cells: readonly HistoryCell[], more: More, input: string | null, position: number): void {
    const { rows, cpuMs, waitedMs, label, needs, worker, machine } = more;
    const row = "?, ?, ?, 'done', 1, NULL, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?";
    this.#others ??= this.#insert(row);
    const values = [rows, cpuMs, waitedMs, input, label, needs, worker, position];
    if (this.#hasMachines) values.push(machine);
    this.#others.nextRow().push(...cells, ...values);
  }

  get #all(): readonly BulkInsert[] {
    return [this.#plain, this.#positioned, this.#others].filter((each) => each !== undefined);
  }

  get isEmpty(): boolean {
    return this.#all.every(({ isEmpty }) => isEmpty);
  }

  flush(): void {
    for (const each of this.#all) each.flush();
  }

  discard(): void {
    for (const each of this.#all) each.discard();
  }

  close(): void {
    for (const each of this.#all) each.close();
  }
}
