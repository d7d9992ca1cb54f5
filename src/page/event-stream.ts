// A stream of events to any number of browsers: the answers to `/events`.

import { JSON } from "../base/globals.ts";
import { systemClock } from "../base/clock.ts";
import type { Change } from "./contract.ts";

/** A browser that hears nothing for some of these says that what it shows is old. A proxy cuts a connection that is quiet for a minute. */
const heartbeatMs = 2_000;
/** Messages that may wait for a browser. */
const maxWaiting = 64;

type Listener = ReadableStreamDefaultController<string>;

export class EventStream {
  readonly #listeners = new Set<Listener>();
  /** Somebody listens, or nobody does any more. */
  readonly #onHeard: (isHeard: boolean) => void;
  #saidAt = 0;

  constructor(onHeard: (isHeard: boolean) => void) {
    this.#onHeard = onHeard;
  }

  open(signal: AbortSignal): Response {
    let own: Listener;
    const close = (): void => this.#close(own);
    signal.addEventListener("abort", close, { once: true });
    const stream = new ReadableStream<string>({
      start: (listener) => {
        // Its event has been: nobody would take the listener away.
        if (signal.aborted) return listener.close();
        own = listener;
        this.#listeners.add(listener);
        listener.enqueue(": listening\n\n");
        if (this.#listeners.size === 1) this.#onHeard(true);
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

  say(change: Change): void {
    this.#send(`data: ${JSON.stringify(change)}\n\n`);
  }

  /** To be called now and then, while nothing is said. */
  beat(): void {
    if (systemClock.now() - this.#saidAt >= heartbeatMs) this.#send("event: beat\ndata:\n\n");
  }

  /** Each browser comes again, and asks for the newest state then. */
  end(): void {
    for (const listener of this.#listeners) {
      this.#close(listener);
      listener.close();
    }
  }

  #send(text: string): void {
    this.#saidAt = systemClock.now();
    for (const listener of this.#listeners) {
      if ((listener.desiredSize ?? 0) > -maxWaiting) listener.enqueue(text);
      else {
        // A browser that does not read, of a laptop that sleeps, has to come again.
        this.#close(listener);
        listener.close();
      }
    }
  }

  #close(listener: Listener): void {
    if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#onHeard(false);
  }
}
