// The failures of a run in groups, counted bit by bit: a hundred thousand messages take longer than others may wait.

import { Promise } from "../../base/globals.ts";
import { systemClock } from "../../base/clock.ts";
import type { RunId } from "../../protocol/ids.ts";
import { type FailureGroup, FailureScan } from "../../store/read/failed-tasks.ts";
import type { Reader } from "../../store/read/reader.ts";
import { PageSize } from "./page-size.ts";

type SeenGroups = {
  readonly groups: readonly FailureGroup[];
  /** All tasks are counted, as they were at one time. */
  readonly isComplete: boolean;
  /** Some have changed since, and are being counted. */
  readonly isBehind: boolean;
};

/** `PRAGMA data_version` when it began: a later one has other tasks. */
type Begun = { readonly scan: FailureScan; readonly version: number };

export class RunFailures {
  readonly #reader: Reader;
  readonly #run: RunId;
  readonly #pages = new PageSize();
  #begun: Begun | undefined;
  #complete: { readonly groups: readonly FailureGroup[]; readonly version: number } | undefined;

  constructor(reader: Reader, run: RunId) {
    this.#reader = reader;
    this.#run = run;
  }

  /**
   * Counts on, for `mostMs` at most, and one step at least. While it counts again, the answer is the last whole one.
   * @throws ReaderError
   */
  async look(mostMs: number): Promise<SeenGroups> {
    const until = systemClock.now() + mostMs;
    while (!this.#isCurrent()) {
      this.#step();
      await new Promise<void>((resolve) => systemClock.soon(resolve));
      if (systemClock.now() >= until) break;
    }
    if (this.#complete !== undefined) {
      return { groups: this.#complete.groups, isComplete: true, isBehind: !this.#isCurrent() };
    }
    const groups = this.#begun === undefined ? [] : this.#groupsOf(this.#begun.scan);
    return { groups, isComplete: false, isBehind: false };
  }

  #isCurrent(): boolean {
    return this.#complete?.version === this.#reader.version();
  }

  #step(): void {
    const { scan, version } = (this.#begun ??= {
      scan: new FailureScan(this.#reader, this.#run),
      version: this.#reader.version(),
    });
    if (this.#pages.read((most) => scan.read(most))) return;
    this.#complete = { groups: this.#groupsOf(scan), version };
    this.#begun = undefined;
  }

  #groupsOf = (scan: FailureScan): readonly FailureGroup[] =>
    this.#reader.snapshot(() => scan.groups());
}
