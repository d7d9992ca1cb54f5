// Which tasks of a run have a text, found bit by bit: reading a million of them takes longer than a person waits.

import { Promise } from "../../base/globals.ts";
import { systemClock } from "../../base/clock.ts";
import { maxStoredId, type RunId } from "../../protocol/ids.ts";
import type { Reader } from "../../store/read/reader.ts";
import type { IdRange } from "../../store/read/task-scan.ts";
import { searchTasks } from "../../store/read/task-search.ts";
import { PageSize } from "./page-size.ts";
import type { TaskColumns } from "./task-columns.ts";

type Followed = { readonly version: number; readonly columns: TaskColumns };

export class TextSearch {
  readonly text: string;
  readonly #reader: Reader;
  readonly #run: RunId;
  readonly #found = new Set<number>();
  #left: IdRange[] = [[1, maxStoredId]];
  /** What the index did not know for sure when the last search of it began. */
  #open: readonly IdRange[] = [];
  #followed = -1;
  readonly #pages = new PageSize();
  #version = 0;

  constructor(reader: Reader, run: RunId, text: string) {
    this.#reader = reader;
    this.#run = run;
    this.text = text;
  }

  get found(): ReadonlySet<number> {
    return this.#found;
  }

  /** Another one: it has found more, or lost some. */
  get version(): number {
    return this.#version;
  }

  get isComplete(): boolean {
    return this.#left.length === 0;
  }

  /** The tasks up to this id are searched. Infinity: all. */
  get searchedTo(): number {
    return this.isComplete ? Infinity : Math.min(...this.#left.map(([from]) => from)) - 1;
  }

  /** Searches again what may have changed since it was searched, of a run whose index is this. */
  follow({ version, columns }: Followed): void {
    const isFirst = this.#followed < 0;
    if (version === this.#followed || !(isFirst || this.isComplete)) return;
    this.#followed = version;
    if (!isFirst) this.#left = [...this.#open];
    this.#open = columns.openRanges();
  }

  /** @throws ReaderError */
  async look(mostMs: number): Promise<void> {
    const until = systemClock.now() + mostMs;
    while (!this.isComplete && systemClock.now() < until) {
      this.#page();
      await new Promise<void>((resolve) => systemClock.soon(resolve));
    }
  }

  #page(): void {
    const [range, ...rest] = this.#left;
    if (range === undefined) return;
    this.#pages.read((most) => {
      const { found, last } = searchTasks(this.#reader, this.#run, range, this.text, most);
      const [from, to] = [range[0], last ?? range[1]];
      if (this.#version > 0) this.#forget(from, to);
      for (const id of found) this.#found.add(id);
      this.#left = last === undefined ? rest : [[Math.floor(last) + 1, range[1]], ...rest];
      this.#version++;
    });
  }

  #forget(from: number, to: number): void {
    for (const id of this.#found) if (id >= from && id <= to) this.#found.delete(id);
  }
}
