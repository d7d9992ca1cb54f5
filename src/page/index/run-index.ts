// One run's tasks in memory, for what the page asks of all of them: sorted, counted, and drawn by their times. It is read once, in
// pages; after that, a look at the file reads only the tasks that may have changed since.

import { Promise } from "../../base/globals.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { maxStoredId, type RunId } from "../../protocol/ids.ts";
import { definitionIn } from "../../store/definition-of-key.ts";
import { machinesOf } from "../../store/read/machine-names.ts";
import type { Reader, Row, Value } from "../../store/read/reader.ts";
import { type IdRange, runningIds, scanTasks } from "../../store/read/task-scan.ts";
import { PageSize, workMs } from "./page-size.ts";
import { TaskColumns } from "./task-columns.ts";
import { TextSearch } from "./text-search.ts";

/** Looks at a run that goes on have this part of the time: 2 % of a core. What they do not get to, the next ones read. */
const workShare = 1 / 50;
const [minRestMs, maxWorkMs] = [200, 100];
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
  #machines: ReadonlyMap<number, string> = new Map();
  /** What has been read of the file: `PRAGMA data_version`, and which session of the run it was. */
  #seen = -1;
  #session = "";
  #end = "";
  #left: IdRange[] = [allIds];
  /** The first id that is to be read next, of those that are not new. */
  #next = 1;
  #hasAll = false;
  #isEnded = false;
  #asOf = 0;
  #lookedAt = 0;
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

  /** The names of machines that have run tasks, by their numbers. */
  get machines(): ReadonlyMap<number, string> {
    return this.#machines;
  }

  /** Another one: what was made of the index may be old. */
  get version(): number {
    return this.#version;
  }

  /** All tasks have been read, as they were at `asOf` (epoch ms) or later. */
  get isComplete(): boolean {
    return this.#hasAll && !(this.#isEnded && this.#left.length > 0);
  }

  /** A run that goes on changes faster than it is read: at `asOf` nothing was missing. */
  get isBehind(): boolean {
    return this.#hasAll && this.#left.length > 0;
  }

  /** Tasks that are read; also where all are read once more, because the run has ended. */
  get indexed(): number {
    const [[next] = [Infinity]] = this.#left;
    return this.isComplete ? this.#columns.size : Math.min(this.#columns.size, next - 1);
  }

  /** All tasks have been read, but may have changed since. */
  get hasAll(): boolean {
    return this.#hasAll;
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
    // A look that is under way may have begun before what the question is about.
    const earlier = this.#work;
    const until = this.#clock.now() + mostMs;
    this.#startIfDue();
    await this.#wait(mostMs);
    if (earlier === undefined || this.#work !== undefined) return;
    this.#startIfDue();
    await this.#wait(until - this.#clock.now());
  }

  #startIfDue(): void {
    if (this.#work !== undefined || !this.#isDue()) return;
    this.#work = this.#readAll()
      .catch((thrown: unknown) => {
        this.#failure = thrown;
      })
      .finally(() => (this.#work = undefined));
  }

  async #wait(mostMs: number): Promise<void> {
    if (this.#work !== undefined) await atMost(this.#work, mostMs);
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }

  #isDue(): boolean {
    if (this.#isClosed) return false;
    const isResting = this.#clock.now() < this.#notBefore;
    if (isResting && !this.#hasJustEnded()) return false;
    return this.#left.length > 0 || this.#reader.version() !== this.#seen;
  }

  /** Nothing is spared any more, and no other question may follow. */
  #hasJustEnded(): boolean {
    if (!this.#hasAll || this.#isEnded || this.#reader.version() === this.#seen) return false;
    return this.#row()?.["status"] !== "running";
  }

  #row(): Row | undefined {
    return this.#reader.query("SELECT * FROM pipeline_runs WHERE id = ?", [this.run])[0];
  }

  async #readAll(): Promise<void> {
    let [busyMs, mostMs] = [0, Infinity];
    const timed = (work: () => void): void => {
      const began = workMs();
      work();
      busyMs += workMs() - began;
    };
    try {
      const asOf = this.#clock.wall();
      timed(() => this.#plan());
      mostMs = this.#mostMs();
      const isEnough = (): boolean => this.#left.length === 0 || busyMs >= mostMs || this.#isClosed;
      do {
        timed(() => this.#page());
        await new Promise<void>((resolve) => this.#clock.soon(resolve));
      } while (!isEnough());
      if (this.#left.length > 0) return;
      this.#asOf = asOf;
      this.#hasAll = true;
    } finally {
      this.#lookedAt = this.#clock.now();
      // What had to be read at once, a person has waited for.
      const restMs = mostMs === Infinity ? 0 : busyMs / workShare;
      this.#notBefore = this.#lookedAt + Math.max(minRestMs, restMs);
    }
  }

  /** Of a run that goes on, a look takes what the time since the last one allows. */
  #mostMs(): number {
    if (!this.#hasAll || this.#isEnded) return Infinity;
    return Math.min((this.#clock.now() - this.#lookedAt) * workShare, maxWorkMs);
  }

  /** Decides what is to be read. */
  #plan(): void {
    this.#seen = this.#reader.version();
    const row = this.#row();
    const session = textOf(row, ["started_at", "host", "pid", "process_started_at"]);
    const end = textOf(row, ["status", "finished_at"]);
    if (session !== this.#session) this.#startAgain();
    else if (!this.#hasAll) return;
    else if (end !== this.#end) this.#left = [allIds];
    else if (row?.["status"] === "running") this.#left = [...this.#open()];
    this.#session = session;
    this.#end = end;
    this.#isEnded = row?.["status"] !== "running";
  }

  /** A session deletes rows of those before it. */
  #startAgain(): void {
    this.#columns = new TaskColumns(this.#maxChunks);
    this.#searches = [];
    this.#hasAll = false;
    this.#left = [allIds];
    this.#version++;
  }

  /** New tasks first; then those that were not reached at the last look. */
  #open(): readonly IdRange[] {
    const open = this.#columns.openRanges();
    const { highest } = this.#columns;
    const old = open
      .map(([from, to]) => [from, Math.min(to, highest)] as const)
      .filter(([from, to]) => from <= to);
    const later = old
      .filter(([, to]) => to >= this.#next)
      .map(([from, to]) => [Math.max(from, this.#next), to] as const);
    const earlier = old
      .filter(([from]) => from < this.#next)
      .map(([from, to]) => [from, Math.min(to, this.#next - 1)] as const);
    // A task that an earlier session has ended may run again.
    const running = runningIds(this.#reader, this.run, maxRunning)
      .filter((id) => !open.some(([from, to]) => id >= from && id <= to))
      .map((id) => [id, id] as const);
    return [[highest + 1, maxStoredId], ...running, ...later, ...earlier];
  }

  #page(): void {
    const [range, ...rest] = this.#left;
    if (range === undefined) return;
    this.#pages.read((most) => {
      const rows = scanTasks(this.#reader, this.run, range, most);
      for (const row of rows) this.#columns.set(row, this.#numberOf(row.definition));
      // A machine is stored with the first task that has run there.
      if (rows.some(({ machine }) => machine !== null && !this.#machines.has(machine))) {
        this.#machines = machinesOf(this.#reader, this.run);
      }
      const last = rows.at(-1)?.task;
      const isLastPage = rows.length < most || last === undefined;
      this.#left = isLastPage ? rest : [[Math.floor(last) + 1, range[1]], ...rest];
      this.#next = this.#left[0]?.[0] ?? 1;
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
