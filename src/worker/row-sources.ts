// The async sources of rows that an attempt is reading: each is read on its own, and its rows keep the place of their call in
// the unit.

import { AsyncLocalStorage } from "node:async_hooks";

import { Promise } from "../base/globals.ts";
import { RowBatcher } from "./row-batches.ts";
import { Send } from "./send.ts";
import type { TargetTable } from "./target-table.ts";
import type { Entry, Unit } from "./unit.ts";

/** Set while an async source runs: the send that reads it. A checkpoint called by a source would wait for itself. */
const readingOf = new AsyncLocalStorage<Send>();

type Source = {
  readonly iterator: AsyncIterator<unknown>;
  readonly unit: Unit;
  readonly entry: Entry;
};

export class RowSources {
  readonly #fail: (send: Send, thrown: unknown) => void;
  readonly #sources = new Map<Send, Source>();

  /** @param fail a source has thrown, or its rows cannot be stored */
  constructor(fail: (send: Send, thrown: unknown) => void) {
    this.#fail = fail;
  }

  get size(): number {
    return this.#sources.size;
  }

  get sends(): Send[] {
    return [...this.#sources.keys()];
  }

  /** Whether the running code is one of these sources. */
  get isCaller(): boolean {
    const reading = readingOf.getStore();
    return reading !== undefined && this.#sources.has(reading);
  }

  /** Resolves when the source has ended and its rows are in the unit. */
  read(rows: AsyncIterable<unknown>, target: TargetTable, unit: Unit): Promise<void> {
    const iterator = rows[Symbol.asyncIterator]();
    const send = new Send();
    const entry = unit.open(target.created);
    const source: Source = { iterator, unit, entry };
    this.#sources.set(send, source);
    const batcher = new RowBatcher(target, (text, count) => unit.add(entry, text, count));
    void this.#readAll(send, source, batcher);
    return send.promise;
  }

  async #readAll(send: Send, source: Source, batcher: RowBatcher): Promise<void> {
    const { iterator, unit, entry } = source;
    let isInSource = true;
    try {
      for (;;) {
        isInSource = true;
        const step = await readingOf.run(send, nextOf, iterator);
        if (!send.isOpen) return;
        isInSource = false;
        if (step.done === true) break;
        batcher.add(step.value);
      }
      batcher.finish();
      unit.close(entry, batcher.seen);
      send.succeed();
    } catch (thrown) {
      if (!send.isOpen) return;
      unit.drop(entry);
      this.#fail(send, thrown);
      // A source that has thrown has ended by itself.
      if (!isInSource) close(iterator);
    } finally {
      this.#sources.delete(send);
    }
  }

  /** Fails the sources that have not ended. Their rows are dropped. */
  stop(reason: () => Error): void {
    for (const [send, { iterator, unit, entry }] of this.#sources) {
      unit.drop(entry);
      this.#fail(send, reason());
      close(iterator);
    }
    this.#sources.clear();
  }
}

const nextOf = (iterator: AsyncIterator<unknown>): Promise<IteratorResult<unknown>> =>
  iterator.next();

/** Lets a source clean up. The task does not wait for it: the source may hang. */
function close(iterator: AsyncIterator<unknown>): void {
  try {
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  } catch {
    // Only the first failure is reported.
  }
}
