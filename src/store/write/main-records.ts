// Main's records that are not applied yet. Main counts its messages with records in shared memory before it sends them, so
// the writer knows of those that are on their way.

import { SharedCount } from "../../protocol/shared/shared-count.ts";
import type { MainRecord } from "../../protocol/writer-records.ts";

export class MainRecords {
  #records: MainRecord[] = [];
  #sent = SharedCount.create();
  /** Messages with records that have arrived. */
  #received = 0;

  /** @param recorded see `open` of `ToWriter` */
  open(recorded: SharedArrayBuffer): void {
    this.#sent = SharedCount.from(recorded);
  }

  /** A message with records has arrived. */
  receive(records: readonly MainRecord[]): void {
    this.#received++;
    this.add(records);
  }

  /** The writer's own answers to main. */
  add(records: readonly MainRecord[]): void {
    this.#records.push(...records);
  }

  /**
   * Main has sent records that have not arrived. What a worker sent may be the consequence of them, and has overtaken them:
   * it must not be committed without them.
   */
  get areOnTheirWay(): boolean {
    return this.#sent.aheadOf(this.#received) > 0;
  }

  get isEmpty(): boolean {
    return this.#records.length === 0;
  }

  take(): readonly MainRecord[] {
    const records = this.#records;
    this.#records = [];
    return records;
  }
}
