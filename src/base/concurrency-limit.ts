import { Fifo } from "./fifo.ts";
import { Promise } from "./globals.ts";

/** Runs so many pieces of work at once, in the order of the calls. */
export class ConcurrencyLimit {
  readonly #waiting = new Fifo<() => void>();
  #free: number;

  constructor(most: number) {
    this.#free = most;
  }

  /** How many pieces of work have not begun. */
  get waiting(): number {
    return this.#waiting.size;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#turn();
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  #turn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    return promise;
  }
}
