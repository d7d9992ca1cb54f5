// Where lines go: in order, with a bound on what waits for a slow reader. `process.stdout.write` on a pipe has none: Bun
// queues without bound, and `process.exit` drops the queue.

import { fstatSync, write as writeInBackground } from "node:fs";

import { systemClock } from "../base/clock.ts";
import { Buffer, Promise } from "../base/globals.ts";
import { busyWaitMs, isBusy, type OutStream, type Write, writerOf } from "../base/streams.ts";
import { codeOf } from "../base/system-error.ts";

/** Takes lines, in order. */
export type Sink = {
  readonly write: Write;
  /** A promise while the reader is behind; whoever makes the lines waits for it. */
  behind(): Promise<void> | undefined;
  /** Resolves when everything is written or lost. Gives up on a reader that takes nothing for `stallMs`. */
  written(stallMs: number): Promise<void>;
};

/** Called once, with the first error; the sink then drops everything. */
export type OnLost = (error: unknown) => void;

/**
 * Regular files, terminals and stand-ins are written at once, pipes in the background. A terminal stopped by Ctrl-S
 * blocks the write, but Ctrl-C starts it again; and stdout and stderr of one terminal keep their order.
 */
export function sinkOf(stream: OutStream, onLost: OnLost): Sink {
  const { fd } = stream;
  const lost: OnLost = (error) => {
    if (!hasNoReader(error, stream.isTTY === true)) onLost(error);
  };
  return fd === undefined || stream.isTTY === true || isRegularFile(fd)
    ? atOnce(untilLost(writerOf(stream), lost))
    : new BackgroundSink(fd, lost);
}

/** The reader has left (`| head -1`) or the terminal is closed: that is no loss. */
const hasNoReader = (error: unknown, isTty: boolean): boolean =>
  codeOf(error) === "EPIPE" || (isTty && codeOf(error) === "EIO");

function isRegularFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}

/** For a program that goes on whether its lines are read or not: also a terminal is written to in the background. */
export const backgroundSink = (fd: number, onLost: OnLost): Sink => new BackgroundSink(fd, onLost);

const atOnce = (write: Write): Sink => ({
  write,
  behind: () => undefined,
  written: () => Promise.resolve(),
});

/** Drops everything after the first error. */
export function untilLost(write: Write, onLost: OnLost): Write {
  let isLost = false;
  return (text) => {
    if (isLost) return;
    try {
      write(text);
    } catch (error) {
      isLost = true;
      onLost(error);
    }
  };
}

/** About 1 MiB. A pipe holds far less, so a reader that keeps up is never waited for. */
const maxWaitingChars = 1024 * 1024;

/**
 * Writes in a thread of the runtime, one chunk at a time: a full pipe blocks its writer, and a blocked main thread answers
 * no signal. O_NONBLOCK would also apply to every other process that has the pipe.
 */
class BackgroundSink implements Sink {
  readonly #fd: number;
  readonly #onLost: OnLost;
  #pending = "";
  /** Characters of the chunk being written. */
  #inFlight = 0;
  #chunks = 0;
  #isLost = false;
  #behind: PromiseWithResolvers<void> | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(fd: number, onLost: OnLost) {
    this.#fd = fd;
    this.#onLost = onLost;
  }

  readonly write: Write = (text) => {
    if (this.#isLost || text === "") return;
    this.#pending += text;
    if (this.#idle !== undefined) return;
    this.#idle = Promise.withResolvers();
    void this.#drain(this.#idle);
  };

  behind(): Promise<void> | undefined {
    if (!this.#isBehind) return undefined;
    this.#behind ??= Promise.withResolvers();
    return this.#behind.promise;
  }

  async written(stallMs: number): Promise<void> {
    while (this.#idle !== undefined) {
      const before = this.#chunks;
      const isIdle = await within(stallMs, this.#idle.promise);
      if (!isIdle && before === this.#chunks) this.#lose(new Error("nobody reads it"));
    }
  }

  get #isBehind(): boolean {
    return this.#pending.length + this.#inFlight > maxWaitingChars;
  }

  async #drain(idle: PromiseWithResolvers<void>): Promise<void> {
    while (this.#pending !== "") {
      const text = this.#pending;
      this.#pending = "";
      this.#inFlight = text.length;
      try {
        await writeAllInBackground(this.#fd, Buffer.from(text), () => this.#chunks++);
      } catch (error) {
        return this.#lose(error);
      }
      this.#inFlight = 0;
      if (!this.#isBehind) this.#behind?.resolve();
      if (!this.#isBehind) this.#behind = undefined;
    }
    this.#idle = undefined;
    idle.resolve();
  }

  #lose(error: unknown): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#pending = "";
    this.#inFlight = 0;
    this.#behind?.resolve();
    this.#idle?.resolve();
    this.#idle = undefined;
    this.#onLost(error);
  }
}

/** @returns whether `done` resolved in time */
async function within(ms: number, done: Promise<void>): Promise<boolean> {
  if (ms === Number.POSITIVE_INFINITY) return done.then(() => true);
  const late = Promise.withResolvers<boolean>();
  const timer = systemClock.after(ms, () => late.resolve(false));
  try {
    return await Promise.race([done.then(() => true), late.promise]);
  } finally {
    systemClock.cancel(timer);
  }
}

/** @param progressed called after each partial write */
async function writeAllInBackground(
  fd: number,
  bytes: Buffer,
  progressed: () => void,
): Promise<void> {
  for (let from = 0; from < bytes.length;) {
    try {
      from += await writePart(fd, bytes, from);
      progressed();
    } catch (error) {
      if (!isBusy(error)) throw error;
      await Bun.sleep(busyWaitMs);
    }
  }
}

const writePart = (fd: number, bytes: Buffer, from: number): Promise<number> =>
  new Promise((resolve, reject) => {
    writeInBackground(fd, bytes, from, bytes.length - from, null, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
