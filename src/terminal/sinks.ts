// Streams as the screen needs them: written at once and in order, because a process that ends (or is
// stopped) must not leave half a frame or lose its last lines. `process.stdout.write` on a pipe is neither:
// Bun queues it without bound, and `process.exit` drops what is queued.

import { fstatSync, write as writeInBackground } from "node:fs";

import { systemClock } from "../base/clock.ts";
import { Buffer, Promise } from "../base/globals.ts";
import { busyWaitMs, isBusy, type OutStream, type Write, writerOf } from "../base/streams.ts";
import { codeOf } from "../base/system-error.ts";

/** Where lines go. What is written first arrives first. */
export type Sink = {
  readonly write: Write;
  /** A promise while the reader is behind; whoever produces what is written waits for it. */
  behind(): Promise<void> | undefined;
  /** Resolves when all is written or lost. A reader that takes nothing for `patienceMs` is given up. */
  written(patienceMs: number): Promise<void>;
};

/** Called once, with the first error; the sink is silent from then on. */
export type OnLost = (error: unknown) => void;

/**
 * A stand-in or a regular file takes everything at once; a pipe takes it when somebody reads. A terminal is written at once
 * too: Ctrl-C starts one again that Ctrl-S has stopped, and what goes to it as stdout and as stderr keeps its order.
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

/** Nobody reads any more (`| head -1`), or the terminal is gone: that is no loss. */
const hasNoReader = (error: unknown, isTty: boolean): boolean =>
  codeOf(error) === "EPIPE" || (isTty && codeOf(error) === "EIO");

function isRegularFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}

const atOnce = (write: Write): Sink => ({
  write,
  behind: () => undefined,
  written: () => Promise.resolve(),
});

/** A writer that falls silent with the first error. */
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

/** About 1 MiB; far more than a pipe holds, so that a reader that keeps up is never waited for. */
const maxWaitingChars = 1024 * 1024;

/**
 * Writes in a thread of the runtime, one chunk at a time, because a full pipe blocks who writes to it: the main thread
 * would then answer no signal. Not with O_NONBLOCK: every process that shares the pipe would get it too.
 */
class BackgroundSink implements Sink {
  readonly #fd: number;
  readonly #onLost: OnLost;
  #pending = "";
  /** Characters of the chunk that is being written. */
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

  async written(patienceMs: number): Promise<void> {
    while (this.#idle !== undefined) {
      const before = this.#chunks;
      const isIdle = await within(patienceMs, this.#idle.promise);
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

/** @returns whether it was done in time */
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

/** @param progressed called after each part that was taken */
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
