// The stream of events: which runs have changed. One look at the file serves all browsers, and there is none while nobody listens.

import { JSON } from "../base/globals.ts";
import { systemClock, type Timer } from "../base/clock.ts";
import type { Change, RunBrief } from "./contract.ts";
import { runsToWatch } from "./data/runs-view.ts";
import type { Reader } from "../store/read/reader.ts";
import type { PageDatabase } from "./page-database.ts";

/** Four times a second. */
const lookEveryMs = 250;
/** After a look, its time is rested so many times: a file with 100,000 runs is looked at less often. */
const restFactor = 20;
/** A look that has waited for a lock says little of the next one. */
const maxRestMs = 2_000;
/** Without a commit, a run may have died: its lock says so. */
const livenessEveryMs = 1_000;
/** A proxy cuts a connection that is quiet for a minute. */
const heartbeatMs = 15_000;

type Listener = ReadableStreamDefaultController<string>;

export class Feed implements Disposable {
  readonly #database: PageDatabase;
  readonly #listeners = new Set<Listener>();
  readonly #known = new Map<number, string>();
  #reader: Reader | undefined;
  #timer: Timer | undefined;
  #version = -1;
  #lookedAt = 0;
  #saidAt = 0;
  #restsUntil = 0;

  constructor(database: PageDatabase) {
    this.#database = database;
  }

  /** @throws ReaderError where the database cannot be read */
  open(signal: AbortSignal): Response {
    runsToWatch(this.#database, new Map());
    this.#follow(this.#database.reader);
    let own: Listener;
    const close = (): void => this.#close(own);
    signal.addEventListener("abort", close, { once: true });
    const stream = new ReadableStream<string>({
      start: (listener) => {
        own = listener;
        this.#listeners.add(listener);
        listener.enqueue(": listening\n\n");
        this.#timer ??= systemClock.every(lookEveryMs, () => this.#look());
      },
      cancel: close,
    });
    return new Response(stream, {
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      },
    });
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  #end(): void {
    for (const listener of this.#listeners) {
      this.#close(listener);
      listener.close();
    }
  }

  #close(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    systemClock.cancel(this.#timer);
    this.#timer = undefined;
  }

  /** Of another file than before, all that a browser has is old: it has to come again, and asks for everything. */
  #follow(reader: Reader): void {
    if (reader === this.#reader) return;
    this.#end();
    this.#known.clear();
    this.#version = -1;
    this.#reader = reader;
  }

  #look(): void {
    const now = systemClock.now();
    if (now < this.#restsUntil) return;
    try {
      const changed = this.#changed(now);
      const tookMs = systemClock.now() - now;
      this.#restsUntil = now + tookMs + Math.min(tookMs * restFactor, maxRestMs);
      if (changed.length > 0) {
        this.#say(
          `data: ${JSON.stringify({ at: systemClock.wall(), runs: changed } satisfies Change)}\n\n`,
          now,
        );
      } else if (now - this.#saidAt > heartbeatMs) this.#say(": still here\n\n", now);
    } catch {
      // A browser asks why, and tries again: until then, its page says that what it shows is old.
      this.#end();
    }
  }

  #changed(now: number): readonly RunBrief[] {
    const { reader } = this.#database;
    if (reader !== this.#reader) {
      this.#end();
      return [];
    }
    const version = reader.version();
    if (version === this.#version && now - this.#lookedAt < livenessEveryMs) return [];
    this.#version = version;
    this.#lookedAt = now;
    return runsToWatch(this.#database, this.#known);
  }

  #say(text: string, now: number): void {
    this.#saidAt = now;
    for (const listener of this.#listeners) {
      if ((listener.desiredSize ?? 0) > -64) listener.enqueue(text);
      else {
        // A browser that does not read, of a laptop that sleeps, has to come again, and asks for the newest state then.
        this.#close(listener);
        listener.close();
      }
    }
  }
}
