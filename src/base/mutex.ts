import { Promise } from "./globals.ts";

/** Runs one piece of work at a time, in the order of the calls. */
export class Mutex {
  #last: Promise<void> = Promise.resolve();

  async run<T>(work: () => Promise<T>): Promise<T> {
    const previous = this.#last;
    const { promise, resolve: release } = Promise.withResolvers<void>();
    this.#last = promise;
    await previous;
    try {
      return await work();
    } finally {
      release();
    }
  }
}
