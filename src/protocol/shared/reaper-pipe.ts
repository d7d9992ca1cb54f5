// The pipe to the reaper process (worker/programs/program-reaper.ts), as all threads share it: a cell with its write end, and
// one with the reaper's process id.
//
//     none ─▶ opening ─▶ a descriptor ─▶ opening …        and from each of them to `unavailable`
//
// A descriptor in the cell is never closed: another thread may be about to write to it, and the system would give its number
// to another file. The end of the pipe would also make the reaper end the programs.

/** Elements of Int32. */
export const reaperCells = 2;

const none = 0;
const opening = -1;
const unavailable = -2;

/**
 * The thread that opens the pipe may be terminated meanwhile. Opening takes a few milliseconds, on a loaded machine much
 * longer: a second reaper would get only a part of the programs.
 */
const openingMs = 5_000;

/** Pipes of runs that have ended, for the next runs of this process. */
const spare: Reaper[] = [];

export type Reaper = { readonly fd: number; readonly pid: number };

export class ReaperPipe implements Disposable {
  /** The write end, or a state; then the process id. */
  readonly #cells: Int32Array;

  /** @param cells `reaperCells` elements of shared memory */
  constructor(cells: Int32Array) {
    this.#cells = cells;
  }

  /** Process id of the reaper; undefined if there is none. */
  get pid(): number | undefined {
    return this.isOpen ? Atomics.load(this.#cells, 1) : undefined;
  }

  get isOpen(): boolean {
    return Atomics.load(this.#cells, 0) > 0;
  }

  /** Writes a line to the reaper. False if there is no reaper, or it has ended. */
  tell(line: string): boolean {
    const fd = Atomics.load(this.#cells, 0);
    return fd > 0 && write(fd, line);
  }

  /**
   * Opens the pipe unless it is open and the reaper reads it. Another thread waits meanwhile.
   * @param start starts a reaper. It gets the descriptor of a pipe without a reader, to be used again; undefined: none.
   *   It returns undefined if no reaper can be started
   */
  open(start: (lost: number | undefined) => Reaper | undefined): void {
    const cells = this.#cells;
    for (;;) {
      const state = Atomics.load(cells, 0);
      if (state === unavailable || (state > 0 && write(state, ""))) return;
      if (state === opening) {
        const waited = Atomics.wait(cells, 0, opening, openingMs);
        if (waited === "timed-out") Atomics.compareExchange(cells, 0, opening, none);
      } else if (Atomics.compareExchange(cells, 0, state, opening) === state) {
        // Between the look at the pipe and the exchange, another thread may have opened it again.
        if (state > 0 && write(state, "")) this.#set(state);
        else this.#fill(start(state > 0 ? state : undefined));
        return;
      }
    }
  }

  #fill(reaper: Reaper | undefined): void {
    if (reaper !== undefined) Atomics.store(this.#cells, 1, reaper.pid);
    this.#set(reaper?.fd ?? unavailable);
  }

  #set(state: number): void {
    Atomics.store(this.#cells, 0, state);
    Atomics.notify(this.#cells, 0);
  }

  /** For a new run: takes the pipe of a run that has ended. */
  reuse(): void {
    const reaper = spare.pop();
    if (reaper !== undefined) this.#fill(reaper);
  }

  /** The run has ended, and this process goes on. */
  [Symbol.dispose](): void {
    const fd = Atomics.exchange(this.#cells, 0, unavailable);
    if (fd > 0) spare.push({ fd, pid: Atomics.load(this.#cells, 1) });
  }
}

/** A blank line means nothing to the reaper. @returns false if nobody reads the pipe */
function write(fd: number, line: string): boolean {
  try {
    // Not imported: a thread that needs nothing else of Node's modules would take twice as long to start.
    process.getBuiltinModule("node:fs").writeSync(fd, `${line}\n`);
    return true;
  } catch {
    return false;
  }
}
