// One run's tasks in memory, for what the page asks of all of them: sorted, counted, and drawn by their times. It is read once, in
// pages; after that, a look at the file reads only the tasks that may have changed since.

import { Promise } from "../../base/globals.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { maxStoredId, type RunId } from "../../protocol/ids.ts";
import { definitionIn } from "../../store/decide-reruns.ts";
import type { Reader, Row, Value } from "../../store/read/reader.ts";
import { type IdRange, runningIds, scanTasks } from "../../store/read/task-scan.ts";
import { PageSize, workMs } from "./page-size.ts";
import { TaskColumns } from "./task-columns.ts";
import { TextSearch } from "./text-search.ts";

/** After a look that took as long, the next one waits this many times longer: 3 % of a core. */
const restFactor = 30;
const minRestMs = 200;
const maxRunning = 1_000;
/** Definitions beyond are counted as the last one. */
const maxDefinitions = 65_535;

/** A sorted million has 8 MB. */
const maxMade = 10;
const maxSearches = 4;

const allIds: IdRange = [1, maxStoredId];

export class RunIndex {
  readonly run: RunId;
  readonly #reader: Reader;
  readonly #maxChunks: number;
  readonly #clock: Clock;
  #columns: TaskColumns;
  readonly #definitions: string[] = [];
  readonly #numbers = new Map<Value, number>();
  /** What has been read of the file: `PRAGMA data_version`, and which session of the run it was. */
  #seen = -1;
  #session = "";
  #end = "";
  #left: IdRange[] = [allIds];
  #isComplete = false;
  #asOf = 0;
  #version = 0;
  readonly #pages = new PageSize();
  #work: Promise<void> | undefined;
  #notBefore = 0;
  #failure: unknown;
  #isClosed = false;
  #searches: readonly TextSearch[] = [];
  readonly #made = new Map<string, unknown>();
  #madeOf = -1;

  constructor(reader: Reader, run: RunId, maxChunks: number, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#reader = reader;
    this.run = run;
    this.#maxChunks = maxChunks;
    this.#columns = new TaskColumns(maxChunks);
  }

  get columns(): TaskColumns {
    return this.#columns;
  }

  /** By their numbers. */
  get definitions(): readonly string[] {
    return this.#definitions;
  }

  /** Another one: what was made of the index may be old. */
  get version(): number {
    return this.#version;
  }

  /** All tasks have been read, as they were at `asOf` (epoch ms) or later. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  get asOf(): number {
    return this.#asOf;
  }

  /** What is made of all tasks, until one has changed. @param key another one for each other result */
  memo<Result>(key: string, make: () => Result): Result {
    if (this.#madeOf !== this.#version) this.#made.clear();
    this.#madeOf = this.#version;
    const result = this.#made.has(key) ? (this.#made.get(key) as Result) : make();
    // The one that was used last is the last one.
    this.#made.delete(key);
    this.#made.set(key, result);
    for (const [oldest] of this.#made) {
      if (this.#made.size <= maxMade) break;
      this.#made.delete(oldest);
    }
    return result;
  }

  /**
   * Searches on, for `mostMs` at most.
   * @throws ReaderError
   */
  async search(text: string, mostMs: number): Promise<TextSearch> {
    const known = this.#searches.find((search) => search.text === text);
    const search = known ?? new TextSearch(this.#reader, this.run, text);
    this.#searches = [search, ...this.#searches.filter((each) => each !== search)].slice(
      0,
      maxSearches,
    );
    search.follow(this);
    await search.look(mostMs);
    return search;
  }

  close(): void {
    this.#isClosed = true;
  }

  /**
   * Looks at the file if that is due, and waits for it, for `mostMs` at most. What it has is usable meanwhile.
   * @throws ReaderError where the look has failed
   */
  async look(mostMs: number): Promise<void> {
    if (this.#work === undefined && this.#isDue()) {
      this.#work = this.#readAll()
        .catch((thrown: unknown) => {
          this.#failure = thrown;
        })
        .finally(() => (this.#work = undefined));
    }
    if (this.#work !== undefined) await atMost(this.#work, mostMs);
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }

  #isDue(): boolean {
    if (this.#isClosed || this.#clock.now() < this.#notBefore) return false;
    return !this.#isComplete || this.#left.length > 0 || this.#reader.version() !== this.#seen;
  }

  async #readAll(): Promise<void> {
    let busyMs = 0;
    const timed = <Result>(work: () => Result): Result => {
      const began = workMs();
      const result = work();
      busyMs += workMs() - began;
      return result;
    };
    try {
      const asOf = this.#clock.wall();
      timed(() => this.#plan());
      while (this.#left.length > 0 && !this.#isClosed) {
        timed(() => this.#page());
        await new Promise<void>((resolve) => this.#clock.soon(resolve));
      }
      this.#asOf = asOf;
      this.#isComplete ||= !this.#isClosed;
    } finally {
      this.#notBefore = this.#clock.now() + Math.max(minRestMs, busyMs * restFactor);
    }
  }

  /** Decides what is to be read. */
  #plan(): void {
    this.#seen = this.#reader.version();
    const [row] = this.#reader.query("SELECT * FROM pipeline_runs WHERE id = ?", [this.run]);
    const session = textOf(row, ["started_at", "host", "pid", "process_started_at"]);
    const end = textOf(row, ["status", "finished_at"]);
    if (session !== this.#session) this.#startAgain();
    else if (!this.#isComplete) return;
    else if (end !== this.#end) this.#left = [allIds];
    else if (row?.["status"] === "running") this.#left = [...this.#open()];
    this.#session = session;
    this.#end = end;
  }

  /** A session deletes rows of those before it. */
  #startAgain(): void {
    this.#columns = new TaskColumns(this.#maxChunks);
    this.#searches = [];
    this.#isComplete = false;
    this.#left = [allIds];
    this.#version++;
  }

  #open(): readonly IdRange[] {
    const open = this.#columns.openRanges();
    // A task that an earlier session has ended may run again.
    const running = runningIds(this.#reader, this.run, maxRunning);
    const isOpen = (id: number): boolean => open.some(([from, to]) => id >= from && id <= to);
    return [...running.filter((id) => !isOpen(id)).map((id) => [id, id] as const), ...open];
  }

  #page(): void {
    const [range, ...rest] = this.#left;
    if (range === undefined) return;
    this.#pages.read((most) => {
      const rows = scanTasks(this.#reader, this.run, range, most);
      for (const row of rows) this.#columns.set(row, this.#numberOf(row.definition));
      const last = rows.at(-1)?.task;
      const isLastPage = rows.length < most || last === undefined;
      this.#left = isLastPage ? rest : [[Math.floor(last) + 1, range[1]], ...rest];
      if (rows.length > 0) this.#version++;
    });
  }

  #numberOf(definition: Value): number {
    const known = this.#numbers.get(definition);
    if (known !== undefined) return known;
    const number = Math.min(this.#definitions.length, maxDefinitions);
    if (number === this.#definitions.length) this.#definitions.push(definitionIn(definition));
    this.#numbers.set(definition, number);
    return number;
  }
}

const textOf = (row: Row | undefined, columns: readonly string[]): string =>
  columns.map((column) => String(row?.[column])).join("\n");

async function atMost(work: Promise<void>, mostMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = systemClock.after(mostMs, resolve);
  await Promise.race([work, promise]);
  systemClock.cancel(timer);
}
