// Posts news to an address: failures, lateness, pauses, recovery. One at a time, in order, with retries; serve never waits for it.

import type { Clock } from "../base/clock.ts";
import { JSON, Promise, URL } from "../base/globals.ts";
import { duration } from "../base/format-duration.ts";
import { pause } from "../base/pause.ts";
import { post } from "../base/post.ts";
import { grouped, plural } from "../base/text.ts";

type Deps = {
  readonly clock: Pick<Clock, "after">;
  /** A line for the log. */
  say(line: string): void;
};

const timeoutMs = 10_000;
/** Between the attempts. */
const pausesMs = [1_000, 5_000, 30_000, 120_000];
/** A receiver that is away for days: the oldest are dropped. A machine that wakes up has news of each of its thousand schedules. */
const maxWaiting = 5_000;

export class WebhookSender {
  readonly #url: URL;
  readonly #deps: Deps;
  readonly #waiting: string[] = [];
  readonly #ending = Promise.withResolvers<void>();
  #sending: Promise<void> | undefined;
  #isEnding = false;
  #isDropping = false;

  /** @throws TypeError for an invalid URL */
  constructor(url: string, deps: Deps) {
    this.#url = new URL(url);
    this.#deps = deps;
  }

  /** @param body becomes JSON */
  send(body: object): void {
    this.#waiting.push(JSON.stringify(body));
    if (this.#waiting.length > maxWaiting) this.#drop();
    this.#sending ??= this.#sendAll();
  }

  /** Each message that waits is tried once more, at once. Resolves when all are sent or given up, or after the time. */
  async end(withinMs: number): Promise<void> {
    this.#isEnding = true;
    this.#ending.resolve();
    if (this.#sending === undefined) return;
    await Promise.race([this.#sending, pause(withinMs, this.#deps.clock)]);
    if (this.#sending === undefined) return;
    const lost = plural(this.#waiting.length + 1, "message is lost", "messages are lost");
    this.#deps.say(`webhook to ${this.#url.host}: no answer within ${duration(withinMs)}; ${lost}`);
  }

  /** Said once, until all are sent. */
  #drop(): void {
    this.#waiting.shift();
    if (this.#isDropping) return;
    this.#isDropping = true;
    const many = `${grouped(maxWaiting)} messages wait; the oldest are dropped`;
    this.#deps.say(`webhook to ${this.#url.host}: ${many}`);
  }

  async #sendAll(): Promise<void> {
    for (let body = this.#waiting.shift(); body !== undefined; body = this.#waiting.shift()) {
      await this.#deliver(body);
    }
    this.#sending = undefined;
    this.#isDropping = false;
  }

  async #deliver(body: string): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const problem = await post(this.#url, { body, headers: {}, timeoutMs });
      if (problem === undefined) return;
      const pauseMs = this.#isEnding ? undefined : pausesMs[attempt];
      if (pauseMs === undefined) {
        // The address may have a token, so only its host is named.
        this.#deps.say(`webhook to ${this.#url.host}: ${problem}; the message is lost`);
        return;
      }
      await Promise.race([pause(pauseMs, this.#deps.clock), this.#ending.promise]);
    }
  }
}
