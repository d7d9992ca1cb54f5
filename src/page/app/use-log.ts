// The log lines that are shown: the last ones, earlier ones on demand, and new ones as they come.

import { useEffect, useRef, useState } from "preact/hooks";

import type { LogLine, LogsView } from "../contract.ts";
import { ticks } from "./live.ts";
import { asSourceError, get, retryMs, type SourceError } from "./source.ts";

type Log = {
  readonly lines: readonly LogLine[];
  readonly hasEarlier: boolean;
  /** The first lines or earlier ones are asked for. */
  readonly isLoading: boolean;
  /** A search that found little was ended in between. */
  readonly isPartial: boolean;
  readonly error: SourceError | null;
};

/** Lines that are kept: whoever wants all of them saves the file. */
const maxKept = 5_000;

/** Before the next page of new lines: the run goes on meanwhile. */
const restMs = 50;
/** Many pages in a row are not drawn one by one: 5,000 lines take a while to lay out. */
const drawEveryMs = 300;

const none: Log = { lines: [], hasEarlier: false, isLoading: true, isPartial: false, error: null };

/** @param path with its filters, to be followed by `&before=` or `&after=` @param isAtEnd the last line is seen */
export function useLog(path: string, isAtEnd: boolean): readonly [Log, loadEarlier: () => void] {
  const [log, setLog] = useState<Log>(none);
  const reader = useRef<LogReader | null>(null);
  const tick = ticks.value;
  useEffect(() => {
    setLog(none);
    const own = new LogReader(path, setLog);
    reader.current = own;
    own.earlier();
    return () => own.close();
  }, [path]);
  useEffect(() => reader.current?.later(isAtEnd), [tick, isAtEnd]);
  return [log, () => reader.current?.earlier()];
}

class LogReader {
  readonly #path: string;
  readonly #show: (log: Log) => void;
  readonly #control = new AbortController();
  #log: Log = none;
  #shown: Log = none;
  #shownAt = 0;
  /** Which file the lines are of. */
  #file: string | null = null;
  #before: number | null = null;
  /** Null: no line is there, or those that are shown are to be replaced by the last ones. */
  #after: number | null = null;
  #isAtEnd = true;
  #isBusy = false;
  #wantsEarlier = false;
  /** There may be lines that no answer has had yet. */
  #isOutdated = false;

  constructor(path: string, show: (log: Log) => void) {
    this.#path = path;
    this.#show = show;
  }

  close(): void {
    this.#control.abort();
  }

  earlier(): void {
    this.#wantsEarlier = true;
    void this.#work();
  }

  later(isAtEnd: boolean): void {
    this.#isAtEnd = isAtEnd;
    this.#isOutdated = true;
    void this.#work();
  }

  /** Asks until there is nothing new: an answer is one page, and no other change may follow. */
  async #work(): Promise<void> {
    if (this.#isBusy || this.#isClosed) return;
    this.#isBusy = true;
    try {
      for (let read = 0; !this.#isClosed && this.#hasWork;) {
        if (this.#wantsEarlier) await this.#readEarlier();
        // The log is faster than it can be read, page by page: what is to be seen is its end.
        else if (read >= maxKept) read = this.#startAgain();
        else read += await this.#readLater();
      }
    } catch (thrown) {
      this.#fail(asSourceError(thrown));
    }
    this.#isBusy = false;
    this.#draw();
  }

  get #isClosed(): boolean {
    return this.#control.signal.aborted;
  }

  /** Who reads far above the end keeps those lines. */
  get #hasWork(): boolean {
    const isFull = !this.#isAtEnd && this.#log.lines.length >= maxKept;
    return this.#wantsEarlier || (this.#isOutdated && !isFull);
  }

  #fail(error: SourceError): void {
    this.#log = { ...this.#log, isLoading: false, error };
    if (error.isPassing) setTimeout(() => void this.#work(), retryMs);
  }

  #startAgain(): 0 {
    this.#before = null;
    this.#after = null;
    this.#wantsEarlier = true;
    return 0;
  }

  async #readEarlier(): Promise<void> {
    this.#log = { ...this.#log, isLoading: true };
    this.#draw();
    const isFirst = this.#after === null;
    const view = await this.#ask(this.#before === null ? "" : `&before=${this.#before}`);
    if (view === undefined) return;
    const { lines, before, after, isPartial } = view;
    this.#wantsEarlier = false;
    this.#after ??= after;
    this.#before = before;
    this.#log = { ...this.#log, hasEarlier: before !== null, isLoading: false, isPartial };
    this.#keepFirst(isFirst ? lines : [...lines, ...this.#log.lines]);
  }

  /** @returns how many lines there were */
  async #readLater(): Promise<number> {
    this.#isOutdated = false;
    const view = await this.#ask(`&after=${this.#after}`);
    if (view === undefined) return 0;
    const { lines, after, isPartial } = view;
    this.#after = after;
    if (lines.length > 0) {
      const all = [...this.#log.lines, ...lines];
      if (this.#isAtEnd) this.#keepLast(all);
      else this.#keepFirst(all);
    }
    if (isPartial) {
      this.#isOutdated = true;
      if (performance.now() - this.#shownAt > drawEveryMs) this.#draw();
      await new Promise((resolve) => setTimeout(resolve, restMs));
    }
    return lines.length;
  }

  #keepFirst(lines: readonly LogLine[]): void {
    const kept = lines.slice(0, maxKept);
    if (kept.length < lines.length) {
      this.#after = kept.at(-1)?.row ?? this.#after;
      this.#isOutdated = true;
    }
    this.#log = { ...this.#log, lines: kept };
  }

  #keepLast(lines: readonly LogLine[]): void {
    const kept = lines.slice(-maxKept);
    const isCut = kept.length < lines.length;
    if (isCut) this.#before = kept[0]?.row ?? this.#before;
    this.#log = { ...this.#log, lines: kept, hasEarlier: this.#log.hasEarlier || isCut };
  }

  /** Undefined: the lines that are shown are of a file that is not there any more, and the last ones of the new file are to be asked for. */
  async #ask(place: string): Promise<LogsView | undefined> {
    const view = await get<LogsView>(this.#path + place, this.#control.signal);
    if (this.#log.error !== null) this.#log = { ...this.#log, error: null };
    const isOther = this.#after !== null && (view.file !== this.#file || view.after < this.#after);
    this.#file = view.file;
    if (!isOther) return view;
    this.#startAgain();
    return undefined;
  }

  #draw(): void {
    if (this.#isClosed || this.#log === this.#shown) return;
    this.#shown = this.#log;
    this.#shownAt = performance.now();
    this.#show(this.#log);
  }
}
