// What was taken in since the last commit: should the commit fail, it is applied again, one unit at a time. Texts are
// kept, not what was made of them.

import type { MainRecord } from "../../protocol/records.ts";

export type Taken<From> =
  | { readonly type: "main"; readonly records: readonly MainRecord[] }
  /** A post of records, or of done tasks. */
  | { readonly type: "records"; readonly from: From; readonly post: string }
  /** Part of a unit, which the next records from the same Worker end. */
  | { readonly type: "part"; readonly from: From; readonly post: string }
  /** In place of all parts of a unit that is the only one in its group: it is known whose fault a failure is. */
  | { readonly type: "dropped parts"; readonly from: From };

/**
 * Characters of parts after which a group takes no further unit, and from which the only unit in it is not kept. As much
 * as a Worker may have on its way.
 */
const maxChars = 2 * 1024 * 1024;

export class Group<From> {
  #taken: Taken<From>[] = [];
  /** Of parts. */
  #chars = 0;
  #units = 0;
  /** Where the parts of the unit under way begin. */
  #unitStart: number | undefined;
  #isDropped = false;

  /** So much is to be applied again if the commit fails that it is time to commit. */
  get isFull(): boolean {
    return this.#chars > maxChars;
  }

  /** Units that have ended. */
  get units(): number {
    return this.#units;
  }

  /** Stands before the unit under way: what main says of a task was so before any Worker began it. */
  main(records: readonly MainRecord[]): void {
    const taken = { type: "main", records } as const;
    if (this.#unitStart === undefined) this.#taken.push(taken);
    else this.#taken.splice(this.#unitStart++, 0, taken);
  }

  records(from: From, post: string): void {
    this.#taken.push({ type: "records", from, post });
  }

  part(from: From, post: string): void {
    this.#unitStart ??= this.#taken.length;
    this.#chars += post.length;
    if (this.#isDropped) return;
    if (this.#units === 0 && this.isFull) this.#drop(from, this.#unitStart);
    else this.#taken.push({ type: "part", from, post });
  }

  #drop(from: From, start: number): void {
    this.#isDropped = true;
    this.#taken.splice(start, this.#taken.length, { type: "dropped parts", from });
  }

  /** Before the records that say so are added. */
  unitEnded(): void {
    this.#units++;
    this.#unitStart = undefined;
  }

  /** It will never end: its Worker is gone. */
  unitAbandoned(): void {
    if (this.#unitStart !== undefined) this.#taken.splice(this.#unitStart);
    this.#unitStart = undefined;
    this.#isDropped = false;
  }

  /** All of it, in the order it came; the group is empty then. */
  take(): readonly Taken<From>[] {
    const taken = this.#taken;
    this.#taken = [];
    this.#chars = 0;
    this.#units = 0;
    this.#unitStart = undefined;
    this.#isDropped = false;
    return taken;
  }
}
