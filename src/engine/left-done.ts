// Tasks that earlier sessions have done and that this one's plan does not have: their number by task definition, and their ids as
// ranges, because there may be a million.

import type { TaskId } from "../protocol/ids.ts";
import { nameOfKey } from "../protocol/task-key.ts";
import type { LeftRange } from "../protocol/writer-records.ts";
import type { LeftTask } from "./page-of-done.ts";

export class LeftDone {
  /** By task definition. */
  readonly counts = new Map<string, number>();
  readonly #ranges: [first: TaskId, last: TaskId][] = [];
  size = 0;

  add({ id, key }: LeftTask): void {
    this.size++;
    const name = nameOfKey(key);
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    const range = this.#ranges.at(-1);
    if (range !== undefined && id === range[1] + 1) range[1] = id;
    else this.#ranges.push([id, id]);
  }

  get ranges(): readonly LeftRange[] {
    return this.#ranges;
  }
}
