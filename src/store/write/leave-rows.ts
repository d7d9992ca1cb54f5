// Marks the rows of done tasks that the plan does not have any more, by ranges of ids: there may be a million.

import type { Database } from "bun:sqlite";

import type { RunId } from "../../protocol/ids.ts";
import type { LeftRange } from "../../protocol/writer-records.ts";
import type { BusyHandler } from "../busy-handler.ts";
import { leaveSql } from "../left-rows.ts";

export class LeaveRows {
  readonly #db: Database;
  readonly #run: RunId;
  readonly #busyHandler: BusyHandler;
  #ranges: LeftRange[] = [];

  constructor(db: Database, run: RunId, busyHandler: BusyHandler) {
    this.#db = db;
    this.#run = run;
    this.#busyHandler = busyHandler;
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  add(ranges: readonly LeftRange[]): void {
    for (const range of ranges) this.#ranges.push(range);
  }

  /** Returns how many rows were done and are skipped now. */
  flush(): number {
    if (this.isEmpty) return 0;
    using leave = this.#db.prepare(leaveSql);
    let rows = 0;
    for (const [first, last] of this.#ranges) {
      rows += this.#busyHandler.run(() => leave.run(this.#run, first, last)).changes;
    }
    this.discard();
    return rows;
  }

  discard(): void {
    this.#ranges = [];
  }
}
