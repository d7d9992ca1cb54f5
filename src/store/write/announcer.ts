// Announces committed events to main, within bounds: `postMessage` has no back-pressure.

import { packAnnouncement } from "../../protocol/codec/announcements.ts";
import type { FromWriter, WireEvent } from "../../protocol/messages.ts";

/** Announcements that main has not processed yet. Beyond these bounds the writer waits, and so do the workers. */
const maxUnseen = 64;
const maxUnseenChars = 1024 * 1024;

export class Announcer {
  readonly #post: (message: FromWriter) => void;
  /** Characters of each unseen announcement, oldest first. */
  #unseen: number[] = [];
  #unseenChars = 0;

  constructor(post: (message: FromWriter) => void) {
    this.#post = post;
  }

  get hasRoom(): boolean {
    return this.#unseen.length < maxUnseen && this.#unseenChars < maxUnseenChars;
  }

  announce(events: readonly WireEvent[]): void {
    const text = packAnnouncement(events);
    this.#unseen.push(text.length);
    this.#unseenChars += text.length;
    this.#post({ type: "committed", events: text });
  }

  /** Main has processed this many announcements. */
  seen(count: number): void {
    for (const chars of this.#unseen.splice(0, count)) this.#unseenChars -= chars;
  }
}
