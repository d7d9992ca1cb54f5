// Tasks that run again because of what they depend on (`--downstream`), and the marks of those that are still to run again.

import type { Database } from "bun:sqlite";

import { type RunId, unknownPosition } from "../../protocol/ids.ts";
import { askedDownstream, askedFor, ranDownstream } from "../decide-reruns.ts";
import { because, isChangedSql } from "../rerun-reasons.ts";
import { ofRun } from "../own-tables.ts";
import type { BusyHandler } from "../busy-handler.ts";
import type { PlannedTask } from "./history.ts";

const whyAgain = "it ran again because what it depends on did (--downstream)";
const againSql = `INSERT INTO task_runs (run_id, id, name, key, input, label, needs, position, status, fingerprint, reason, rows)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', '${askedDownstream}', '${whyAgain}', 0)
  ON CONFLICT (run_id, id) DO UPDATE SET cursor = NULL, fingerprint = excluded.fingerprint, ${because("excluded.reason")}`;
/**
 * A task that has left the plan was not run again, whatever its reason says. If it has changed too, it still is to: its result is
 * that of the earlier code.
 */
const endSql = `UPDATE task_runs SET fingerprint = NULL, reason = CASE fingerprint WHEN '${ranDownstream}' THEN reason END
  WHERE ${ofRun("?1")} AND (fingerprint = '${ranDownstream}' OR
    (fingerprint IN ('${askedFor}', '${askedDownstream}') AND NOT coalesce(${isChangedSql}, FALSE)))`;

export class DownstreamReruns {
  readonly #db: Database;
  readonly #run: RunId;
  readonly #busyHandler: BusyHandler;
  #again: PlannedTask[] = [];
  #ends = false;

  constructor(db: Database, run: RunId, busyHandler: BusyHandler) {
    this.#db = db;
    this.#run = run;
    this.#busyHandler = busyHandler;
  }

  get isEmpty(): boolean {
    return this.#again.length === 0;
  }

  again(task: PlannedTask): void {
    this.#again.push(task);
  }

  end(): void {
    this.#ends = true;
  }

  /** Before the rows of the tasks: what follows for the same task counts. */
  flush(): void {
    for (const { id, name, key, input, label, needs, position } of this.#again) {
      const stored = position === unknownPosition ? null : position;
      const cells = [this.#run, id, name, key, input, label, needs, stored];
      this.#busyHandler.run(() => this.#db.run(againSql, cells));
    }
    this.#again = [];
  }

  /** After the rows of the tasks, which carry marks. */
  flushEnd(): void {
    if (this.#ends) this.#busyHandler.run(() => this.#db.run(endSql, [this.#run]));
    this.#ends = false;
  }

  discard(): void {
    this.#again = [];
    this.#ends = false;
  }
}
