// The pipe to the guard process (worker/programs/program-guard.ts), as all threads share it: a cell with its write end, and
// one with the guard's process id.
//
//     none ─▶ opening ─▶ a descriptor ─▶ opening …        and from each of them to `unavailable`
//
// A descriptor in the cell is never closed: another thread may be about to write to it, and the system would give its number
// to another file. The end of the pipe would also make the guard end the programs.

/** Elements of Int32. */
export const guardCells = 2;

const none = 0;
const opening = -1;
const unavailable = -2;

/**
 * The thread that opens the pipe may be terminated meanwhile. Opening takes a few milliseconds, on a loaded machine much
 * longer: a second guard would get only a part of the programs.
 */
const openingMs = 5_000;

/** Pipes of runs that have ended, for the next runs of this process. */
const spare: Guard[] = [];

export type Guard = { readonly fd: number; readonly pid: number };

export class GuardPipe implements Disposable {
  /** The write end, or a state; then the process id. */
  readonly #cells: Int32Array;

  /** @param cells `guardCells` elements of shared memory */
  constructor(cells: Int32Array) {
    this.#cells = cells;
  }

  /** Process id of the guard; undefined if there is none. */
  get pid(): number | undefined {
    return this.isOpen ? Atomics.load(this.#cells, 1) : undefined;
  }

  get isOpen(): boolean {
    return Atomics.load(this.#cells, 0) > 0;
  }

  /** Writes a line to the guard. False if there is no guard, or it has ended. */
  tell(line: string): boolean {
    const fd = Atomics.load(this.#cells, 0);
    return fd > 0 && write(fd, line);
  }

  /**
   * Opens the pipe unless it is open and the guard reads it. Another thread waits meanwhile.
   * @param start starts a guard. It gets the descriptor of a pipe without a reader, to be used again; undefined: none.
   *   It returns undefined if no guard can be started
   */
  open(start: (lost: number | undefined) => Guard | undefined): void {
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

  #fill(guard: Guard | undefined): void {
    if (guard !== undefined) Atomics.store(this.#cells, 1, guard.pid);
    this.#set(guard?.fd ?? unavailable);
  }

  #set(state: number): void {
    Atomics.store(this.#cells, 0, state);
    Atomics.notify(this.#cells, 0);
  }

  /** For a new run: takes the pipe of a run that has ended. */
  reuse(): void {
    const guard = spare.pop();
    if (guard !== undefined) this.#fill(guard);
  }

  /** The run has ended, and this process goes on. */
  [Symbol.dispose](): void {
    const fd = Atomics.exchange(this.#cells, 0, unavailable);
    if (fd > 0) spare.push({ fd, pid: Atomics.load(this.#cells, 1) });
  }
}

/** A blank line means nothing to the guard. @returns false if nobody reads the pipe */
function write(fd: number, line: string): boolean {
  try {
    // Not imported: a thread that needs nothing else of Node's modules would take twice as long to start.
    process.getBuiltinModule("node:fs").writeSync(fd, `${line}\n`);
    return true;
  } catch {
    return false;
  }
}
