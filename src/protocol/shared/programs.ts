// The running programs that tasks have started, in memory that all threads share. Whoever ends a thread ends its programs,
// also when that thread or the main thread is busy and reads no messages.
//
// Layout, in Int32: `programCapacity` process ids (each leads a process group; 0: a free cell; negative: reserved for a
// program that is about to start), then the worker of each, then the pipe to the reaper process (reaper-pipe.ts), then how many
// of the process ids were ever in use: most runs start no program.

import { reaperCells, ReaperPipe } from "./reaper-pipe.ts";

/** One more program is refused. Limits of the system on processes are usually reached earlier. */
export const programCapacity = 4096;

const free = 0;
/** Reserved by this worker; the process id is not known yet. */
const reservedBy = (workerId: number): number => -1 - workerId;

/** One program's cell. */
export type ProgramEntry = {
  started(pid: number): void;
  /** The program has ended, or could not be started. */
  ended(): void;
};

export class Programs {
  readonly buffer: SharedArrayBuffer;
  /** The signal handler in C reads them at any time (watchdog/signals.c). */
  readonly pids: Int32Array;
  /** Is told of each program that starts or ends. */
  readonly reaper: ReaperPipe;
  readonly #workerIds: Int32Array;
  /** One cell: no cell from this one on was ever reserved. */
  readonly #used: Int32Array;

  private constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.pids = new Int32Array(buffer, 0, programCapacity);
    const bytes = programCapacity * Int32Array.BYTES_PER_ELEMENT;
    this.#workerIds = new Int32Array(buffer, bytes, programCapacity);
    this.reaper = new ReaperPipe(new Int32Array(buffer, 2 * bytes, reaperCells));
    this.#used = new Int32Array(buffer, 2 * bytes + reaperCells * Int32Array.BYTES_PER_ELEMENT, 1);
  }

  static create(): Programs {
    const cells = 2 * programCapacity + reaperCells + 1;
    const programs = new Programs(new SharedArrayBuffer(cells * Int32Array.BYTES_PER_ELEMENT));
    programs.reaper.reuse();
    return programs;
  }

  static from(buffer: SharedArrayBuffer): Programs {
    return new Programs(buffer);
  }

  /**
   * Reserves a cell for a program that is about to start: whoever ends the thread waits until its process id is known.
   * @throws RangeError when `programCapacity` programs run
   */
  enter(workerId: number): ProgramEntry {
    const { pids } = this;
    const workerIds = this.#workerIds;
    const reserved = reservedBy(workerId);
    for (let cell = 0; cell < programCapacity; cell++) {
      if (Atomics.compareExchange(pids, cell, free, reserved) !== free) continue;
      this.#use(cell);
      let held = reserved;
      return {
        started(pid) {
          held = pid;
          Atomics.store(workerIds, cell, workerId);
          Atomics.store(pids, cell, pid);
        },
        // Whoever killed the program has freed the cell, and another program may hold it by now.
        ended: () => this.#free(cell, held),
      };
    }
    throw new RangeError(`${programCapacity} programs run already`);
  }

  #use(cell: number): void {
    let used = Atomics.load(this.#used, 0);
    while (used <= cell) used = Atomics.compareExchange(this.#used, 0, used, cell + 1);
  }

  /** This worker is about to start a program. */
  isStarting(workerId: number): boolean {
    return this.pids.includes(reservedBy(workerId));
  }

  delete(pid: number): void {
    const cell = this.pids.indexOf(pid);
    if (cell >= 0) this.#free(cell, pid);
  }

  #free(cell: number, held: number): void {
    if (Atomics.compareExchange(this.pids, cell, held, free) === held && held > 0) {
      this.reaper.tell(`-${held}`);
    }
  }

  /** Frees the cells that this worker had reserved: its thread is gone, and starts no program any more. */
  clear(workerId: number): void {
    const reserved = reservedBy(workerId);
    for (let cell = 0; cell < programCapacity; cell++) {
      Atomics.compareExchange(this.pids, cell, reserved, free);
    }
  }

  /** Process ids of the programs that this worker has started; of all workers when none is given. */
  running(workerId?: number): number[] {
    const found: number[] = [];
    const used = Atomics.load(this.#used, 0);
    for (let cell = 0; cell < used; cell++) {
      const pid = Atomics.load(this.pids, cell);
      if (pid > 0 && (workerId === undefined || this.#workerIds[cell] === workerId))
        found.push(pid);
    }
    return found;
  }
}
