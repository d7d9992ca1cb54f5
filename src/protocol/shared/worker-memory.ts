// Memory that the main thread, one worker and the writer share. A thread that is busy reads no messages; through this
// memory it still knows how much it may send, and main can still take tasks back from it.
//
// Layout, in Int32: the credits, then the claims, then the task whose label is being made, then the running ids, one for each
// slot.

import { Claims, claimCells } from "./claims.ts";
import { creditCells, Credits } from "./credits.ts";
import { RunningIds } from "./running-ids.ts";

const firstClaim = creditCells;
const labelCell = firstClaim + claimCells;
const firstSlot = labelCell + 1;

export class WorkerMemory {
  readonly buffer: SharedArrayBuffer;
  readonly credits: Credits;
  readonly claims: Claims;
  /** One cell: the task whose `label` is being called. */
  readonly labelling: RunningIds;
  readonly runningIds: RunningIds;

  private constructor(buffer: SharedArrayBuffer) {
    const cells = new Int32Array(buffer);
    this.buffer = buffer;
    this.credits = new Credits(cells.subarray(0, creditCells));
    this.claims = new Claims(cells.subarray(firstClaim, labelCell));
    this.labelling = new RunningIds(cells.subarray(labelCell, firstSlot));
    this.runningIds = new RunningIds(cells.subarray(firstSlot));
  }

  static create(slots: number): WorkerMemory {
    const bytes = (firstSlot + slots) * Int32Array.BYTES_PER_ELEMENT;
    return new WorkerMemory(new SharedArrayBuffer(bytes));
  }

  static from(buffer: SharedArrayBuffer): WorkerMemory {
    return new WorkerMemory(buffer);
  }
}
