// Log lines of attempts that go on in another session than the one that has begun them: their machine sends again what was not
// acknowledged, and some of it may have been stored.

import { toIso } from "../../base/iso-time.ts";
import type { TaskId } from "../../protocol/ids.ts";
import type { LogLevel } from "../../protocol/status.ts";

export type StoredLine = {
  /** ISO. */
  readonly at: string;
  readonly level: LogLevel;
  readonly line: string;
};

type Line = Pick<StoredLine, "level" | "line"> & {
  readonly id: TaskId;
  readonly attempt: number;
  /** Epoch ms. */
  readonly at: number;
  readonly isCut?: true;
};

type Known = { readonly attempt: number; readonly counts: Map<string, number> };

export class StoredLines {
  readonly #known = new Map<TaskId, Known>();
  /** An undo log: what was taken since the last commit. */
  #taken: (readonly [id: TaskId, from: Known, text: string])[] = [];

  add(id: TaskId, attempt: number, lines: readonly StoredLine[]): void {
    const counts = new Map<string, number>();
    for (const { at, level, line } of lines) {
      const text = textOf(at, level, line);
      counts.set(text, (counts.get(text) ?? 0) + 1);
    }
    this.#known.set(id, { attempt, counts });
  }

  /**
   * To be called for each line that is sent. They come in their order: after the first that is not stored, none is.
   * @returns whether it is stored, which counts once
   */
  take({ id, attempt, at, level, line, isCut }: Line): boolean {
    if (this.#known.size === 0 || isCut === true) return false;
    const known = this.#known.get(id);
    if (known?.attempt !== attempt) return false;
    const text = textOf(toIso(at), level, line);
    const count = known.counts.get(text) ?? 0;
    known.counts.set(text, count - 1);
    this.#taken.push([id, known, text]);
    if (count === 0) this.#known.delete(id);
    return count > 0;
  }

  committed(): void {
    if (this.#taken.length > 0) this.#taken = [];
  }

  /** The same lines come again. */
  rolledBack(): void {
    for (const [id, known, text] of this.#taken) {
      known.counts.set(text, (known.counts.get(text) ?? 0) + 1);
      this.#known.set(id, known);
    }
    this.#taken = [];
  }
}

const textOf = (at: string, level: string, line: string): string => `${at} ${level} ${line}`;
