// The programs that tasks have started and that run, in memory that all threads share: whoever ends a thread ends its
// programs, also when the thread or the main thread is busy and reads no message.
//
// Layout, in Int32: `capacity` process ids (each leads a process group; 0: a free cell; negative: about to be
// started), then the worker of each.

/** A program more is refused. It is a process: other limits come first. */
export const programCapacity = 4096;

const free = 0;
/** Taken by this worker, and the process id is not known yet. */
const reservedBy = (workerId: number): number => -1 - workerId;

/** One program's cell. */
export type ProgramEntry = {
  started(pid: number): void;
  /** It has ended, or could not be started. */
  ended(): void;
};

export class Programs {
  readonly buffer: SharedArrayBuffer;
  /** For the handler in C, which reads it at any time. */
  readonly pids: Int32Array;
  readonly #workerIds: Int32Array;

  private constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.pids = new Int32Array(buffer, 0, programCapacity);
    this.#workerIds = new Int32Array(buffer, programCapacity * Int32Array.BYTES_PER_ELEMENT);
  }

  static create(): Programs {
    return new Programs(new SharedArrayBuffer(2 * programCapacity * Int32Array.BYTES_PER_ELEMENT));
  }

  static from(buffer: SharedArrayBuffer): Programs {
    return new Programs(buffer);
  }

  /**
   * A program is about to be started: whoever ends the thread waits until it is known.
   * @throws RangeError when too many run
   */
  enter(workerId: number): ProgramEntry {
    const { pids } = this;
    const workerIds = this.#workerIds;
    const reserved = reservedBy(workerId);
    for (let cell = 0; cell < programCapacity; cell++) {
      if (Atomics.compareExchange(pids, cell, free, reserved) !== free) continue;
      let held = reserved;
      return {
        started(pid) {
          held = pid;
          Atomics.store(workerIds, cell, workerId);
          Atomics.store(pids, cell, pid);
        },
        // Whoever has ended it has freed the cell, and it may be another's by now.
        ended: () => void Atomics.compareExchange(pids, cell, held, free),
      };
    }
    throw new RangeError(`${programCapacity} programs run already`);
  }

  /** Whether this worker is about to start one. */
  isStarting(workerId: number): boolean {
    return this.pids.includes(reservedBy(workerId));
  }

  delete(pid: number): void {
    const cell = this.pids.indexOf(pid);
    if (cell >= 0) Atomics.compareExchange(this.pids, cell, pid, free);
  }

  /** The thread with this id is gone, and will start nothing any more. */
  clear(workerId: number): void {
    const reserved = reservedBy(workerId);
    for (let cell = 0; cell < programCapacity; cell++) {
      Atomics.compareExchange(this.pids, cell, reserved, free);
    }
  }

  /** Those that this worker has started; without a worker all. */
  running(workerId?: number): number[] {
    const found: number[] = [];
    for (let cell = 0; cell < programCapacity; cell++) {
      const pid = Atomics.load(this.pids, cell);
      if (pid > 0 && (workerId === undefined || this.#workerIds[cell] === workerId))
        found.push(pid);
    }
    return found;
  }
}
