// Some of the tasks that earlier sessions have done, as they came from the writer: texts of all keys and all results.

import { JSON } from "../base/globals.ts";
import { positionOf, taskId, type TaskId } from "../protocol/ids.ts";
import type { DonePage } from "../protocol/messages.ts";
import { separator } from "../protocol/codec/packed-text.ts";
import { staysInFile } from "../protocol/wants-result.ts";

export const maxRows = 8192;
/** No task. */
export const none = -1;

export type LeftTask = { readonly id: TaskId; readonly key: string };

export class PageOfDone {
  readonly rows: number;
  readonly keys: string;
  readonly #keyEnds: Int32Array;
  readonly #ids: Float64Array;
  readonly #results: string | null;
  readonly #resultEnds: Int32Array;
  /** As in the file; undefined where each is the id. */
  readonly #positions: Float64Array | undefined;
  readonly #next: Int32Array;
  readonly #isTaken: Uint8Array;
  /** Tasks that are in no ring of `DoneTasks` any more. */
  removed = 0;

  constructor({ ids, keys, results, positions }: DonePage) {
    this.#ids = new Float64Array(JSON.parse(`[${ids}]`) as number[]);
    this.rows = this.#ids.length;
    if (this.rows > maxRows) throw new RangeError(`Internal error: a page of ${this.rows} tasks`);
    this.keys = keys;
    this.#keyEnds = endsIn(keys, this.rows);
    this.#results = results;
    this.#resultEnds = results === null ? new Int32Array(0) : endsIn(results, this.rows);
    if (positions !== null)
      this.#positions = new Float64Array(JSON.parse(`[${positions}]`) as number[]);
    this.#next = new Int32Array(this.rows);
    this.#isTaken = new Uint8Array(this.rows);
  }

  idAt(row: number): TaskId {
    return taskId(this.#ids[row] ?? 0);
  }

  keyStart(row: number): number {
    return row === 0 ? 0 : this.keyEnd(row - 1) + separator.length;
  }

  keyEnd(row: number): number {
    return this.#keyEnds[row] ?? 0;
  }

  keyAt(row: number): string {
    return this.keys.slice(this.keyStart(row), this.keyEnd(row));
  }

  hasKey(row: number, text: string, start: number, end: number): boolean {
    let at = this.keyStart(row);
    if (this.keyEnd(row) - at !== end - start) return false;
    const { keys } = this;
    if (end - start === text.length) return keys.startsWith(text, at);
    for (let i = start; i < end; i++, at++) {
      if (keys.charCodeAt(at) !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  resultAt(row: number): string | undefined {
    if (this.#results === null) return "null";
    const start = row === 0 ? 0 : (this.#resultEnds[row - 1] ?? 0) + separator.length;
    const result = this.#results.slice(start, this.#resultEnds[row]);
    return result === staysInFile ? undefined : result;
  }

  positionAt(row: number): number {
    return positionOf(this.idAt(row), this.#positions?.[row] ?? 0);
  }

  nextAt(row: number): number {
    return this.#next[row] ?? none;
  }

  setNext(row: number, next: number): void {
    this.#next[row] = next;
  }

  take(row: number): void {
    this.#isTaken[row] = 1;
  }

  isTakenAt(row: number): boolean {
    return this.#isTaken[row] === 1;
  }

  *left(): Generator<LeftTask> {
    for (let row = 0; row < this.rows; row++) {
      if (this.#isTaken[row] === 0) yield { id: this.idAt(row), key: this.keyAt(row) };
    }
  }
}

/** Where each of the texts ends that a separator joins. */
function endsIn(text: string, count: number): Int32Array {
  const ends = new Int32Array(count);
  let from = 0;
  for (let i = 0; i < count; i++) {
    const end = i === count - 1 ? text.length : text.indexOf(separator, from);
    ends[i] = end;
    from = end + separator.length;
  }
  return ends;
}
