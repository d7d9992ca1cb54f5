// That something has changed in any of the databases, or in what `serve` knows. The page then asks for what it shows.

import { systemClock, type Timer } from "../../base/clock.ts";
import { EventStream } from "../event-stream.ts";
import { fileState } from "./file-state.ts";
import type { Shown } from "./shown.ts";

/** A look at the files takes 10 µs each. */
const lookEveryMs = 1_000;

export class OverviewFeed implements Disposable {
  readonly #shown: Shown;
  readonly #stream = new EventStream((isHeard) => this.#hear(isHeard));
  #timer: Timer | undefined;
  #endOfChanges: (() => void) | undefined;
  #hasChanged = false;
  #files = "";

  constructor(shown: Shown) {
    this.#shown = shown;
  }

  open(signal: AbortSignal): Response {
    return this.#stream.open(signal);
  }

  [Symbol.dispose](): void {
    this.#stream.end();
  }

  #hear(isHeard: boolean): void {
    systemClock.cancel(this.#timer);
    this.#endOfChanges?.();
    this.#timer = undefined;
    this.#endOfChanges = undefined;
    if (!isHeard) return;
    this.#files = this.#filesNow();
    this.#timer = systemClock.every(lookEveryMs, () => this.#look());
    this.#endOfChanges = this.#shown.served?.onChange(() => (this.#hasChanged = true));
  }

  #look(): void {
    const files = this.#filesNow();
    const isNew = this.#hasChanged || files !== this.#files;
    this.#files = files;
    this.#hasChanged = false;
    if (isNew) this.#stream.say({ at: systemClock.wall(), runs: [] });
    else this.#stream.beat();
  }

  #filesNow(): string {
    return this.#shown.places.map(({ path }) => fileState(path).text).join("\n");
  }
}
