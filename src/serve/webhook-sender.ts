// Posts news to an address: failures, lateness, pauses, recovery. One at a time, in order, with retries; serve never waits for it.

import type { Clock } from "../base/clock.ts";
import { Promise, URL } from "../base/globals.ts";
import { duration } from "../base/format-duration.ts";
import { pause } from "../base/pause.ts";
import { post } from "../base/post.ts";
import { grouped, plural } from "../base/text.ts";

/** What is posted: JSON. */
type Message = {
  readonly body: string;
  /** It is delivered, or given up for good. Undefined: nobody else has the message. */
  readonly ended: (() => void) | undefined;
};

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
  readonly #waiting: Message[] = [];
  readonly #ending = Promise.withResolvers<void>();
  #sent: Message | undefined;
  #sending: Promise<void> | undefined;
  #isEnding = false;
  #isDropping = false;

  /** @throws TypeError for an invalid URL */
  constructor(url: string, deps: Deps) {
    this.#url = new URL(url);
    this.#deps = deps;
  }

  /**
   * @param body JSON
   * @param ended it is delivered, or given up for good. Without it a message that waits when serve ends is lost, and with it the next
   * serve is said to send it.
   */
  send(body: string, ended?: () => void): void {
    this.#waiting.push({ body, ended });
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
    const left = this.#sent === undefined ? this.#waiting : [this.#sent, ...this.#waiting];
    this.#say(`no answer within ${duration(withinMs)}`, left);
  }

  /** Said once, until all are sent. */
  #drop(): void {
    this.#waiting.shift();
    if (this.#isDropping) return;
    this.#isDropping = true;
    const many = `${grouped(maxWaiting)} messages wait; the oldest are dropped`;
    this.#deps.say(`webhook to ${this.#url.host}: ${many}`);
  }

  /** What becomes of messages that were not delivered. The address may have a token, so only its host is named. */
  #say(problem: string, messages: readonly Message[]): void {
    const kept = this.#isEnding ? messages.filter(({ ended }) => ended !== undefined).length : 0;
    const lost = messages.length - kept;
    const parts = [
      ...(lost > 0 ? [plural(lost, "message is lost", "messages are lost")] : []),
      ...(kept > 0 ? [`the next serve sends ${plural(kept, "message")}`] : []),
    ];
    this.#deps.say(`webhook to ${this.#url.host}: ${problem}; ${parts.join(", ")}`);
  }

  async #sendAll(): Promise<void> {
    for (;;) {
      this.#sent = this.#waiting.shift();
      if (this.#sent === undefined) break;
      await this.#deliver(this.#sent);
    }
    this.#sending = undefined;
    this.#isDropping = false;
  }

  async #deliver(message: Message): Promise<void> {
    const { body, ended } = message;
    for (let attempt = 0; ; attempt++) {
      const problem = await post(this.#url, { body, headers: {}, timeoutMs });
      if (problem === undefined) return ended?.();
      const pauseMs = this.#isEnding ? undefined : pausesMs[attempt];
      if (pauseMs === undefined) {
        this.#say(problem, [message]);
        if (!this.#isEnding) ended?.();
        return;
      }
      await Promise.race([pause(pauseMs, this.#deps.clock), this.#ending.promise]);
    }
  }
}
