// The log lines that are shown: the last ones, earlier ones on demand, and new ones as they come.

import { useEffect, useRef, useState } from "preact/hooks";

import type { LogLine, LogsView } from "../contract.ts";
import { ticks } from "./live.ts";
import { asSourceError, get, type SourceError } from "./source.ts";

type Log = {
  readonly lines: readonly LogLine[];
  readonly hasEarlier: boolean;
  readonly isLoading: boolean;
  /** A search that found little was ended in between. */
  readonly isPartial: boolean;
  readonly error: SourceError | null;
};

/** Lines that are kept: whoever wants all of them saves the file. */
const maxKept = 5_000;

/** Before the next page of new lines: the run goes on meanwhile. */
const restMs = 50;

const none: Log = { lines: [], hasEarlier: false, isLoading: true, isPartial: false, error: null };

/** @param path with its filters, to be followed by `&before=` or `&after=` @param isFollowing new lines are asked for */
export function useLog(
  path: string,
  isFollowing: boolean,
): readonly [Log, loadEarlier: () => void] {
  const [log, setLog] = useState<Log>(none);
  const reader = useRef<LogReader | null>(null);
  const tick = isFollowing ? ticks.value : 0;
  useEffect(() => {
    setLog(none);
    const own = new LogReader(path, setLog);
    reader.current = own;
    void own.earlier();
    return () => own.close();
  }, [path]);
  useEffect(() => {
    if (isFollowing) void reader.current?.later();
  }, [tick]);
  return [log, () => void reader.current?.earlier()];
}

class LogReader {
  readonly #path: string;
  readonly #show: (log: Log) => void;
  readonly #control = new AbortController();
  #log: Log = none;
  #before: number | null = null;
  #after: number | null = null;
  #isBusy = false;
  /** There may be lines that no answer has had yet. */
  #isOutdated = false;

  constructor(path: string, show: (log: Log) => void) {
    this.#path = path;
    this.#show = show;
  }

  close(): void {
    this.#control.abort();
  }

  async earlier(): Promise<void> {
    const place = this.#before === null ? "" : `&before=${this.#before}`;
    await this.#ask(place, (view) => {
      this.#before = view.before;
      this.#after ??= view.after;
      return {
        lines: [...view.lines, ...this.#log.lines].slice(0, maxKept),
        hasEarlier: view.before !== null,
        isPartial: view.isPartial,
      };
    });
    if (this.#isOutdated) await this.later();
  }

  /** Asks until there is nothing new: an answer is one page, and no other change may follow. */
  async later(): Promise<void> {
    this.#isOutdated = true;
    while (this.#canAsk && this.#isOutdated && this.#after !== null) {
      this.#isOutdated = false;
      await this.#ask(`&after=${this.#after}`, (view) => {
        this.#after = view.after;
        this.#isOutdated ||= view.isPartial;
        return { lines: [...this.#log.lines, ...view.lines].slice(-maxKept) };
      });
      if (this.#isOutdated) await new Promise((resolve) => setTimeout(resolve, restMs));
    }
  }

  get #canAsk(): boolean {
    return !this.#isBusy && !this.#control.signal.aborted;
  }

  async #ask(place: string, accept: (view: LogsView) => Partial<Log>): Promise<void> {
    if (!this.#canAsk) return;
    this.#isBusy = true;
    this.#set({ isLoading: true });
    try {
      const view = await get<LogsView>(this.#path + place, this.#control.signal);
      this.#set({ ...accept(view), isLoading: false, error: null });
    } catch (thrown) {
      this.#set({ isLoading: false, error: asSourceError(thrown) });
    } finally {
      this.#isBusy = false;
    }
  }

  #set(change: Partial<Log>): void {
    if (this.#control.signal.aborted) return;
    this.#log = { ...this.#log, ...change };
    this.#show(this.#log);
  }
}
